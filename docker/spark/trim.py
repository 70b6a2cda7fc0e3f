"""Removes what left-out.txt lists from an environment: `trim.py LIST SITE-PACKAGES`."""

import itertools
import platform
import shutil
import sys
from pathlib import Path

#: Netty's names of the architectures that it brings native code for.
_ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "aarch_64", "riscv64": "riscv64"}


def main() -> None:
    """Remove each pattern's files; stop where one matches nothing."""
    lines = Path(sys.argv[1]).read_text().splitlines()
    packages = Path(sys.argv[2])
    for line in lines:
        if line and not line.startswith("#"):
            _remove(packages, line)


def _remove(packages: Path, pattern: str) -> None:
    own = _ARCHITECTURES[platform.machine()]
    others = [name for name in _ARCHITECTURES.values() if name != own]
    patterns = {pattern.replace("{arch}", own).replace("{other}", other) for other in others}
    found = sorted(set(itertools.chain(*(packages.glob(each) for each in patterns))))
    if not found:
        raise SystemExit(f"left-out.txt names {pattern}, which matches nothing: take it off the list.")
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main()
