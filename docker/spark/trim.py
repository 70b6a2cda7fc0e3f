"""Removes what left-out.txt lists from an environment: `trim.py LIST SITE-PACKAGES`."""

import platform
import shutil
import sys
import zipfile
from pathlib import Path, PurePosixPath

#: What Java libraries call the architectures.
_ARCHITECTURES = {
    "x86_64": ("amd64", "x86_64"),
    "aarch64": ("aarch64", "aarch_64"),
    "riscv64": ("riscv64",),
}
_OWN = _ARCHITECTURES[platform.machine()]
_OTHERS = [name for names in _ARCHITECTURES.values() for name in names if names != _OWN]
_NATIVE = {".a", ".dll", ".dylib", ".jnilib", ".so"}


def main() -> None:
    """Remove each pattern's files; stop where one matches nothing."""
    lines = Path(sys.argv[1]).read_text().splitlines()
    packages = Path(sys.argv[2])
    for line in lines:
        if line and not line.startswith("#"):
            pattern, _, inside = line.partition("!")
            removed = [_cut(path) if inside else _remove(path) for path in _matching(packages, pattern)]
            if not any(removed):
                raise SystemExit(f"left-out.txt names {line}, which matches nothing: take it off the list.")


def _matching(packages: Path, pattern: str) -> set[Path]:
    patterns = {pattern.replace("{other}", other) for other in _OTHERS}
    return {path for each in patterns for path in packages.glob(each)}


def _remove(path: Path) -> bool:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return True


def _cut(jar: Path) -> bool:
    """Take native code for other machines out of a jar; the rest keeps its order and its times."""
    smaller = jar.with_suffix(".cut")
    with zipfile.ZipFile(jar) as whole, zipfile.ZipFile(smaller, "w", zipfile.ZIP_DEFLATED) as cut:
        entries = whole.infolist()
        kept = [entry for entry in entries if not _is_foreign(PurePosixPath(entry.filename))]
        for entry in kept:
            cut.writestr(entry, whole.read(entry))
    smaller.replace(jar)
    return len(kept) < len(entries)


def _is_foreign(entry: PurePosixPath) -> bool:
    folders = [folder.lower() for folder in entry.parts[:-1]]
    own = "linux" in folders and any(name in folders for name in _OWN)
    return entry.suffix in _NATIVE and not own


if __name__ == "__main__":
    main()
