"""The fake lake: what spark_jobs/lake/lake.py does with Delta, one store operation a step.

Every function is a generator that yields before each operation, so that a scheduler may let others go first
or kill the run. What Delta itself does (snapshots, conflicts between commits, the txn action) is told here
as its documentation has it; it is not what is under test.
"""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.reliability.simulation.store import Commit, Conflict, JobFailed, Late, Log, Row, Rows, Store

T = TypeVar("T")
Steps = Generator[str, None, T]
_MOST_TRIES = 5  # of Lake.sync
_MOST_THROTTLED = 3
_LATEST = 60  # steps after which a late PUT has arrived


@dataclass(frozen=True)
class Change:
    """One row of Differences: insert, update or delete."""

    action: str
    key: Any
    value: Any


@dataclass(frozen=True)
class Differences:
    """What `sync` would change, found at a version."""

    table: str
    changes: tuple[Change, ...]
    version: int


@dataclass
class Lake:
    """One run's view of the store; `commits` are the tables that it committed, each with its group."""

    store: Store
    signature: str
    #: A planted bug of the log store: the PUT has no condition.
    unconditional: bool = False
    versions_read: dict[str, int] = field(default_factory=dict)
    versions_written: dict[str, int] = field(default_factory=dict)
    commits: list[tuple[int, str]] = field(default_factory=list)
    _group: int = 0
    _together: bool = False

    def log(self, table: str) -> Log:
        return self.store.log(table)

    def version(self, table: str) -> Steps[int]:
        yield f"look at the version of {table}"
        return self.log(table).version

    def read(self, table: str, version: int | None = None) -> Steps[Rows]:
        yield f"read {table}" + ("" if version is None else f" v{version}")
        if self.store.happens("read fails"):
            raise JobFailed(f"{table} cannot be read")
        log = self.log(table)
        if version is not None and version < log.oldest:
            raise JobFailed(f"{table} v{version} is gone")
        self.versions_read.setdefault(table, log.version)
        return log.rows(version)

    def next_number(self, table: str, application: str) -> Steps[int]:
        """Lake.next_number: one more than the last that was committed for an application."""
        yield f"look at the numbers in {table}"
        log = self.log(table)
        return log.last_number(application, log.version) + 1

    def note(self, table: str) -> None:
        """As Lake.committing: the newest version there is, which may already be another's."""
        self.versions_written[table] = self.log(table).version
        if not self._together:
            self._group += 1
        self.commits.append((self._group, table))

    def together(self, *tasks: Steps[Any]) -> Steps[list[Any]]:
        """Lake.together: all of them to their ends, interleaved; then the first failure, if any."""
        self._group, self._together = self._group + 1, True
        results: dict[int, Any] = {}
        failures: list[Exception] = []
        running = dict(enumerate(tasks))
        while running:
            number = self.store.rng.choice(list(running))
            try:
                yield next(running[number])
            except StopIteration as end:
                results[number] = end.value
                del running[number]
            except (JobFailed, Conflict) as failure:
                failures.append(failure)
                del running[number]
        self._together = False
        if failures:
            raise failures[0]
        return [results[number] for number in sorted(results)]

    def append(self, table: str, rows: Iterable[Row], transaction: tuple[str, int] | None = None) -> Steps:
        """Lake.append: a blind append, by a number of the writer's own where there is one."""
        new = tuple(rows)
        snapshot = yield from self._begin(table)
        if transaction and self.log(table).last_number(transaction[0], snapshot) >= transaction[1]:
            self.store.say(f"  {table}: number {transaction[1]} is taken, nothing is written")
        else:
            keys = frozenset(key for key, _ in new)
            yield from self._put(table, snapshot, "append", keys, lambda old: (*old, *new), transaction)
        self.note(table)

    def sync(self, table: str, wanted: dict, scope: Callable[[Row], bool]) -> Steps[int]:
        """Lake.sync: make the rows of a scope those that are wanted; how many differed."""
        for number in range(_MOST_TRIES):
            try:
                differences = yield from self.compare(table, wanted, scope)
                if differences.changes:
                    yield from self.commit(differences)
                return len(differences.changes)
            except Conflict:
                if number == _MOST_TRIES - 1:
                    raise
        return 0

    def compare(self, table: str, wanted: dict, scope: Callable[[Row], bool]) -> Steps[Differences]:
        version = yield from self.version(table)
        present = [row for row in (yield from self.read(table)) if scope(row)]
        changes = [Change("delete", key, None) for key, _ in present if key not in wanted]
        there = dict(present)
        for key, value in wanted.items():
            if key not in there:
                changes.append(Change("insert", key, value))
            elif there[key] != value:
                changes.append(Change("update", key, value))
        return Differences(table, tuple(changes), version)

    def commit(self, differences: Differences) -> Steps:
        """Lake.commit: one MERGE of the differences, which Delta refuses where two are of one row."""
        table, by_key = differences.table, {change.key: change for change in differences.changes}
        snapshot = yield from self._begin(table)
        present = [key for key, _ in self.log(table).rows(snapshot)]
        if len(by_key) < len(differences.changes) and any(key in by_key for key in present):
            raise JobFailed(f"{table}: MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE")
        keys = frozenset(by_key)
        yield from self._put(table, snapshot, "merge", keys, lambda old: _merged(old, by_key))
        self.note(table)

    def set_properties(self, table: str, properties: dict[str, str]) -> Steps:
        snapshot = yield from self._begin(table)
        yield from self._put(table, snapshot, "metadata", frozenset(), lambda old: old, None, properties)
        self.note(table)

    def compact(self, table: str) -> Steps:
        """OPTIMIZE: a commit that changes no row."""
        snapshot = yield from self._begin(table)
        yield from self._put(table, snapshot, "compact", frozenset(), lambda old: old)

    def purge(self, table: str) -> Steps:
        """REORG … PURGE and VACUUM: no version but the newest can be read any more."""
        yield f"purge {table}"
        self.log(table).oldest = self.log(table).version
        self.note(table)

    def _begin(self, table: str) -> Steps[int]:
        """The snapshot that a transaction starts from, which a stale listing makes too old."""
        yield f"begin a transaction on {table}"
        version = self.log(table).version
        return version - 1 if version > 0 and self.store.happens("stale listing") else version

    def _put(
        self,
        table: str,
        snapshot: int,
        kind: str,
        changed: frozenset[Any],
        make: Callable[[Rows], Rows],
        transaction: tuple[str, int] | None = None,
        properties: dict[str, str] | None = None,
    ) -> Steps:
        """Delta's commit: check what came in between, then put-if-absent of the next version."""
        for _ in range(_MOST_THROTTLED):
            yield f"put the next version of {table}"
            fault = self.store.put_fault()
            if fault != "throttled":
                break
        else:
            raise JobFailed(f"{table}: the store says SlowDown")
        log = self.log(table)
        if self.unconditional:
            del log.commits[snapshot + 1 :]
        for other in log.commits[snapshot + 1 :]:
            self._check_conflict(kind, changed, transaction, other)
        rows, kept = make(log.rows()), {**log.properties(), **(properties or {})}
        commit = Commit(self.signature, kind, changed, rows, kept, transaction)
        if fault == "unknown, late":
            due = self.store.step + self.store.rng.randint(1, _LATEST)
            self.store.late.append(Late(due, table, log.version + 1, commit))
        elif fault != "unknown, never":
            self.store.land(table, commit)
        if fault and fault.startswith("unknown"):
            raise JobFailed(f"whether {table} was written is not known")

    def _check_conflict(
        self, kind: str, changed: frozenset, transaction: tuple[str, int] | None, other: Commit
    ) -> None:
        """What Delta makes of a commit in between: of other rows, too, it may make a conflict."""
        same_writer = transaction and other.transaction and transaction[0] == other.transaction[0]
        if same_writer or other.kind == "metadata":
            raise Conflict(other.by)
        if kind == "merge" and (changed & other.changed or self.store.rng.random() < 0.5):
            raise Conflict(other.by)


def _merged(rows: Rows, changes: dict[Any, Change]) -> Rows:
    """A MERGE's clauses: a key that is there is updated or deleted, and inserted only where it is not."""
    there = {key for key, _ in rows}
    kept = [
        (key, changes[key].value if key in changes and changes[key].action == "update" else value)
        for key, value in rows
        if not (key in changes and changes[key].action == "delete")
    ]
    new = [(c.key, c.value) for c in changes.values() if c.action == "insert" and c.key not in there]
    return (*kept, *new)
