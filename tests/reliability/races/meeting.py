"""Where two jobs meet: each waits at its place until the other has come to its own, or has ended.

read     before the first read of a table that both use
write    before the first commit
commit   just before a commit to a table that both write, what is to change having been computed: both
         commit at once. Where they write no common table the one is held before its commit to
         a table that the other has read, the other one before its first commit
in turn  the same, but the second commits when the first has committed: what it computed is old then
"""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from spark_jobs.lake.tables import REBUILD
from tests.reliability.faults.steps import BEFORE, Failpoint, Watch

READ, WRITE, COMMIT, IN_TURN = PLACES = ("read", "write", "commit", "in turn")
#: Of several tables that both write, they meet at the first of these.
_LIKED = ("silver/employees", "staging/employees", "gold/team_season_payroll", "quarantine/employees")
_READS, _COMMITS = ("read changes of ", "read "), ("commit ",)
#: The steps of a job, and how often each occurs.
Steps = Mapping[str, int]


@dataclass(frozen=True)
class Place:
    """Where a job waits: before the first step that has one of these names."""

    steps: frozenset[str]


def places(one: Steps, two: Steps, where: str) -> tuple[Place, Place]:
    """The places at which two jobs wait that have these steps."""
    if where == READ:
        common = _tables(one, _READS) & _tables(two, _READS)
        place = Place(frozenset(f"{verb}{table}" for verb in _READS for table in common))
        return place, place
    if where == WRITE:
        return _commits_to(_tables(one, _COMMITS)), _commits_to(_tables(two, _COMMITS))
    common = _tables(one, _COMMITS) & _tables(two, _COMMITS)
    if common:
        place = _commits_to([_best(common)])
        return place, place
    return _before_what_is_read(one, two), _before_what_is_read(two, one)


def _before_what_is_read(writer: Steps, reader: Steps) -> Place:
    written = _tables(writer, _COMMITS)
    read = written & _tables(reader, _READS)
    return _commits_to([_best(read)] if read else written)


def _tables(steps: Steps, verbs: tuple[str, ...]) -> set[str]:
    """The tables of the steps of some kinds, but for those rebuilt beside the live ones."""
    named = {step.removeprefix(verb) for verb in verbs for step in steps if step.startswith(verb)}
    return {name for name in named if " " not in name and not name.startswith(f"{REBUILD}/")}


def _best(tables: Collection[str]) -> str:
    return next((name for name in _LIKED if name in tables), min(tables))


def _commits_to(tables: Collection[str]) -> Place:
    return Place(frozenset(f"commit {table}" for table in tables))


class Meeting:
    """Lets two jobs, 0 and 1, meet at their places once.

    No clock: each wait ends by what the other one does.
    """

    def __init__(self, at: tuple[Place, Place], in_turn: bool) -> None:
        self._at = at
        self._in_turn = in_turn
        self._change = threading.Condition()
        self._arrived: set[int] = set()
        self._done: set[int] = set()
        self._ended: set[int] = set()

    @property
    def met(self) -> bool:
        """Whether both have come to their places."""
        return self._arrived == {0, 1}

    def watch(self, who: int) -> Watch:
        """What holds one of the jobs at its place."""

        def passed(point: Failpoint) -> None:
            if point.step in self._at[who].steps:
                if point.when == BEFORE:
                    self._wait(who)
                else:
                    self._tell(self._done, who)

        return passed

    def end(self, who: int) -> None:
        """Say that one of the jobs has ended, however."""
        self._tell(self._ended, who)

    def _wait(self, who: int) -> None:
        other = 1 - who
        with self._change:
            # A job does several things at once: only the first of them waits.
            if who in self._arrived:
                return
            self._arrived.add(who)
            self._change.notify_all()
            self._change.wait_for(lambda: other in self._arrived | self._ended)
            if self._in_turn and who == 1:
                self._change.wait_for(lambda: 0 in self._done | self._ended)

    def _tell(self, of: set[int], who: int) -> None:
        with self._change:
            of.add(who)
            self._change.notify_all()
