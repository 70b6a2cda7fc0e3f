"""What a job takes of the machine: memory and time to start, from /proc; nothing where there is none."""

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_CLOCK_TICKS = "SC_CLK_TCK"
#: Fields of /proc/<pid>/stat after the name, which is in brackets and may hold anything.
_PARENT, _START = 1, 19


def seconds_since_start() -> float | None:
    """How long ago this process began."""
    try:
        ticks = int(_stat(_PROC / "self")[_START])
        up = float((_PROC / "uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return round(up - ticks / os.sysconf(_CLOCK_TICKS), 3)


def peak_memory_bytes() -> int | None:
    """The most resident memory of this process and of those that it has started and that still run.

    Each at its own time: what they took together was this or less.
    """
    try:
        family = _family(os.getpid())
        return sum(_peak(pid) for pid in family) or None
    except (OSError, ValueError, IndexError):
        return None


def _family(first: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found, next_ones = set(), [first]
    while next_ones:
        pid = next_ones.pop()
        found.add(pid)
        next_ones += children.get(pid, [])
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for folder in _PROC.glob("[0-9]*"):
        try:
            yield int(folder.name), int(_stat(folder)[_PARENT])
        except OSError:
            continue  # has just ended


def _peak(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    # Of a process that is ending there is no memory any more, and no such line.
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _stat(folder: Path) -> list[str]:
    return (folder / "stat").read_text().rpartition(")")[2].split()


class StartUp:
    """How long this process took until it could work; told once, since its first run has waited for it."""

    def __init__(self) -> None:
        self._seconds: float | None = None

    def is_over(self) -> None:
        """The session is there."""
        self._seconds = seconds_since_start()

    def take(self) -> float | None:
        """The seconds, at the first call after the start."""
        seconds, self._seconds = self._seconds, None
        return seconds
