"""What a `kill -9` at each failpoint of a job leaves on the disk, copied while the job stands there.

A process that is killed loses what it has in memory, and nothing that it has written: the kernel has that.
So one run gives the disks of all its failpoints, in place of a process for each. Where nothing has been
written between two failpoints their disk is the same one.
"""

import os
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.faults.scenario import LEFT_OUT
from tests.reliability.faults.steps import Failpoint

_LOG = "_delta_log"
_Look = frozenset[tuple[str, int, int]]


@dataclass(frozen=True)
class Disk:
    """A copy of a lake's folder, and the failpoints at which it was like that."""

    folder: Path
    points: list[Failpoint]


class Disks:
    """Watches a job on the lake in a folder, and copies what lies there at each failpoint into another."""

    def __init__(self, source: Path, into: Path) -> None:
        self._source, self._into = source, into
        self._found: dict[_Look, Disk] = {}
        # Failpoints of other threads wait; what Spark writes for them meanwhile is a commit or not.
        self._lock = threading.Lock()

    def __call__(self, passed: Failpoint) -> None:
        with self._lock:
            look = _look(self._source)
            if look not in self._found:
                self._found[look] = Disk(_copy(self._source, self._into / str(len(self._found))), [])
            self._found[look].points.append(passed)

    @property
    def found(self) -> list[Disk]:
        """The disks, in the order in which the job came to them."""
        return list(self._found.values())


def _look(folder: Path) -> _Look:
    """What tells two moments of a folder apart: names, sizes and times of its files."""
    found: set[tuple[str, int, int]] = set()
    for file in _files(folder):
        # A file may go between the two calls: VACUUM's, or a temporary one.
        try:
            stat = file.stat()
        except FileNotFoundError:
            continue
        found.add((str(file.relative_to(folder)), stat.st_size, stat.st_mtime_ns))
    return frozenset(found)


def _copy(source: Path, target: Path) -> Path:
    """A folder as it is: the logs first, so that no commit comes with them whose files do not."""
    for file in sorted(_files(source), key=lambda file: _LOG not in file.parts):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        # Nobody writes into a data file that has a name in a log, so a second name is copy enough.
        copy = os.link if file.suffix == ".parquet" and _LOG not in file.parts else shutil.copy2
        try:
            copy(file, place)
        except FileNotFoundError:
            continue
    return target


def _files(folder: Path) -> list[Path]:
    left_out = LEFT_OUT(str(folder), os.listdir(folder))
    return [f for f in folder.rglob("*") if f.is_file() and f.parts[len(folder.parts)] not in left_out]
