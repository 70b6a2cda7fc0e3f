"""The fake store: tables as logs of commits, a landing zone, and the faults that a seed chooses."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: A row is its key and its value. A table holds them in a tuple, not a dict: appends may bring a key twice.
Row = tuple[Any, Any]
Rows = tuple[Row, ...]


class JobFailed(Exception):
    """A run ends with an error that is worth a retry, as JobError with exit code 1 does."""


class NotStaged(JobFailed):
    """load says: run etl first."""


class Refused(Exception):
    """A run ends with an error that no retry mends, as UsageError does."""


class Conflict(Exception):
    """Another commit came between reading and writing: Delta's DeltaConcurrentModificationException."""


@dataclass(frozen=True)
class Commit:
    """One version of a table: who made it, which keys it changed, and the table after it."""

    by: str
    kind: str  # append, merge, metadata or compact
    changed: frozenset[Any]
    rows: Rows
    properties: dict[str, str] = field(default_factory=dict)
    transaction: tuple[str, int] | None = None


@dataclass
class Log:
    """A table's commits; versions before `oldest` can no longer be read."""

    commits: list[Commit] = field(default_factory=list)
    oldest: int = 0

    @property
    def version(self) -> int:
        return len(self.commits) - 1

    def rows(self, version: int | None = None) -> Rows:
        chosen = self.version if version is None else version
        return self.commits[chosen].rows if chosen >= 0 else ()

    def properties(self) -> dict[str, str]:
        return self.commits[-1].properties if self.commits else {}

    def changed_by_others(self, since: int, signature: str = "") -> set[Any]:
        """The keys that the commits of other runs after a version have changed."""
        commits = [commit for commit in self.commits[since + 1 :] if commit.by != signature]
        return {key for commit in commits for key in commit.changed}

    def last_number(self, application: str, version: int) -> int:
        """The newest number that a writer has committed for itself (Delta's txn action)."""
        pairs = [c.transaction for c in self.commits[: version + 1] if c.transaction]
        return max((number for name, number in pairs if name == application), default=-1)


class Late(NamedTuple):
    """A PUT that is still on its way though its writer has given up waiting."""

    due: int
    table: str
    version: int
    commit: Commit


#: What may befall a commit's PUT. The first half of the simulation shows that the real log store makes of
#: these: done, done, done; and for the last three "not known", of which the job's run ends with an error.
PUT_FAULTS = (
    "lost answer",
    "duplicate",
    "throttled",
    "unknown, written",
    "unknown, never",
    "unknown, late",
)
OTHER_FAULTS = ("killed", "delayed", "stale listing", "read fails")


@dataclass
class Weather:
    """How often each fault happens, in steps of its kind; drawn from the seed, so that some are calm."""

    rates: dict[str, float]

    @classmethod
    def of(cls, rng: random.Random) -> "Weather":
        worst = rng.choice((0.0, 0.03, 0.1))
        rates = {fault: rng.random() * worst for fault in (*PUT_FAULTS, *OTHER_FAULTS)}
        rates["killed"] /= 2
        rates["read fails"] /= 4
        return cls(rates)


class Store:
    """All tables and landing files, under faults."""

    def __init__(self, rng: random.Random, weather: Weather) -> None:
        self.rng = rng
        self.weather = weather
        self.tables: dict[str, Log] = {}
        #: (day, name) -> the records of the file; its content's hash is the content itself.
        self.landing: dict[tuple[int, str], tuple] = {}
        self.late: list[Late] = []
        self.step = 0
        self.calm = False
        self.trace: list[str] = []
        #: The tables that runs have committed, those that go together as one group.
        self.commits: list[list[str]] = []
        self.faults: Counter[str] = Counter()
        # What only the invariants look at: every commit that was ever written, the files whose rows have
        # been in Bronze, and since when a restore has changed some tables and not yet the others.
        self.landed: list[tuple[str, int, Commit]] = []
        self.ever_in_bronze: set[tuple] = set()
        self.unfinished_since: int | None = None

    def log(self, table: str) -> Log:
        return self.tables.setdefault(table, Log())

    def happens(self, fault: str) -> bool:
        """Whether a fault happens now; the trace is told."""
        if self.calm or self.rng.random() >= self.weather.rates[fault]:
            return False
        self.faults[fault] += 1
        self.say(f"  !! {fault}")
        return True

    def put_fault(self) -> str | None:
        return next((fault for fault in PUT_FAULTS if self.happens(fault)), None)

    def say(self, line: str) -> None:
        self.trace.append(f"{self.step:5} {line}")

    def land(self, table: str, commit: Commit) -> None:
        """A commit becomes the table's next version."""
        self.log(table).commits.append(commit)
        self.landed.append((table, self.log(table).version, commit))
        if table == "bronze/employees" and commit.kind == "append":
            self.ever_in_bronze |= {(key.file, key.content) for key in commit.changed}
        if commit.kind == "metadata" and commit.properties.get("mlb.unfinished") == "":
            self.unfinished_since = None
        self.say(f"       {table} is at v{self.log(table).version}, by {commit.by}")

    def arrive(self) -> None:
        """PUTs that were on their way arrive: put-if-absent, so only where the version is still free."""
        for late in [late for late in self.late if late.due <= self.step]:
            self.late.remove(late)
            free = self.log(late.table).version + 1 == late.version
            self.say(
                f"  a late PUT of {late.table} v{late.version} arrives: {'written' if free else '412'}"
            )
            if free:
                self.land(late.table, late.commit)
