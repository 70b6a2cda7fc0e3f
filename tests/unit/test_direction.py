"""Direction is law: a layer imports what lies upstream of it, never downstream."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "spark_jobs"
#: What each part of the package may import of it, besides itself.
MAY_IMPORT = {
    "errors": set(),
    "settings": set(),
    "sql": set(),
    "contracts": {"errors"},
    "lake": {"errors", "settings", "contracts", "sql"},
    "landing": {"errors", "lake"},
    "bronze": {"contracts", "errors", "lake", "landing"},
    "privacy": {"contracts", "errors", "settings"},
    "silver": {"contracts", "sql"},
    "quarantine": {"bronze", "contracts", "errors", "lake"},
    "usual": set(),
    "gold": {"lake", "ledger", "usual"},
    "ledger": {"errors", "lake"},
    "lineage": {"contracts", "gold", "lake", "ledger", "settings"},
    "process": {"errors", "lake", "ledger", "settings"},
    "sample_feed": set(),
}


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_imports_only_what_lies_upstream(part: str) -> None:
    folder = PACKAGE / part
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{part}.py"]
    assert files
    found = {name for file in files for name in imported_parts(file)} - {part}
    assert found <= MAY_IMPORT[part]


def test_only_the_lake_commits() -> None:
    for file in PACKAGE.rglob("*.py"):
        if "lake" not in file.relative_to(PACKAGE).parts:
            assert '.write.format("delta")' not in file.read_text(), file
            assert ".merge(" not in file.read_text(), file


def imported_parts(file: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return {m.split(".")[1] for m in modules if m.startswith("spark_jobs.")}
