"""Golden cases: each folder of `cases` is a delivery, what becomes of it, and why.

A case holds the delivered files and `expected.yaml`: `outcomes` (rows by outcome), `refused`
(file, row, codes) and `silver` (some columns of each row, in the order of the keys). A new case
needs no code.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.lakes import TestLake

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/expected.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_case(case: Path, new_lake: Callable[..., TestLake]) -> None:
    expected = yaml.safe_load((case / "expected.yaml").read_text())
    lake = new_lake(quarantine_limit=1)
    for file in sorted(case.glob("*.csv")):
        lake.deliver(file.read_bytes(), file.name)
    etl = lake.succeed("ingest", "etl", "load")["etl"]
    outcomes = {name: etl.rows[name] for name in expected["outcomes"]}
    assert outcomes == expected["outcomes"]
    assert [list(reason) for reason in lake.reasons()] == expected["refused"]
    columns = expected["silver"][0].keys() if expected["silver"] else ()
    shown = [{name: _plain(row[name]) for name in columns} for row in lake.silver()]
    assert shown == expected["silver"]


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (bool, int, list)) else str(value)
