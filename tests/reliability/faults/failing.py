"""Runs a command of the project and lets a fault meet it at a failpoint.

    python -m tests.reliability.faults.failing "before commit silver/employees #1" load --date 2023-10-02

is killed there, its JVM and workers with it, as by `kill -9`. In a process that goes on (`run`) the fault
may be any: an exception, or a delay.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from unittest import mock

from spark_jobs.cli import main
from tests.reliability.faults.steps import Failpoint, Watch, watched
from tests.reliability.processes import children_of


class Fault(Exception):
    """The exception that a job meets."""


class At:
    """Does something at one failpoint, or (None) at each; `met` are those to which the job has come."""

    def __init__(self, point: Failpoint | None, act: Callable[[], None]) -> None:
        self.point = point
        self.met: list[Failpoint] = []
        self._act = act

    def __call__(self, passed: Failpoint) -> None:
        if self.point is None or passed == self.point:
            self.met.append(passed)
            self._act()


def fail() -> None:
    """The fault that is an exception."""
    raise Fault("A fault of the tests.")


def kill() -> None:
    """The fault that is `kill -9`: this process, its JVM before it, and the JVM's Python workers."""
    for process in (*children_of(os.getpid()), os.getpid()):
        os.kill(process, signal.SIGKILL)


def run(
    command: Sequence[str], environment: Mapping[str, str], log: Path, watch: Watch | None = None
) -> int:
    """Run a command in this process, in the session that there is; its exit code."""
    with contextlib.ExitStack() as within:
        within.enter_context(mock.patch.dict(os.environ, environment))
        out = within.enter_context(log.open("a"))
        within.enter_context(contextlib.redirect_stdout(out))
        within.enter_context(contextlib.redirect_stderr(out))
        if watch:
            within.enter_context(watched(watch))
        return _exit_code(command)


def _exit_code(command: Sequence[str]) -> int:
    try:
        main(list(command), prog_name="spark-jobs")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


@contextlib.contextmanager
def killed_at(point: Failpoint) -> Iterator[None]:
    """Within it, this process is killed when a job comes to the failpoint."""
    with watched(At(point, kill)):
        yield


if __name__ == "__main__":
    with killed_at(Failpoint.named(sys.argv[1])):
        main(sys.argv[2:], prog_name="spark-jobs")
