"""The steps of a job that a fault can come before or after, and their names.

A step is what the job does to something that outlives it, or reads from it: rows read from a table (at
the moment at which the job asks Lake for them; Spark fetches them when they are needed), a commit, a
VACUUM, a folder deleted, a file of the landing zone rewritten, the run's row in the ledger. All of these
go through few places of the project, which are wrapped here and know nothing of it.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

from pyspark.sql import SparkSession

from spark_jobs.jobs import reprocess, runner
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import REBUILD, Table

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, order=True)
class Failpoint:
    """Where a fault meets a job: before or after a step, by the number of that step's occurrence."""

    step: str
    number: int
    when: str

    def __str__(self) -> str:
        return f"{self.when} {self.step} #{self.number}"

    @classmethod
    def named(cls, name: str) -> "Failpoint":
        """The failpoint of a name such as `before commit silver/employees #1`."""
        when, rest = name.split(" ", 1)
        step, number = rest.rsplit(" #", 1)
        return cls(step, int(number), when)


#: Is told of every failpoint that is passed, by the thread that passes it.
Watch = Callable[[Failpoint], None]


class Steps:
    """Counts the steps of a job, and tells of each before and after it; after it only if it was done.

    What a step does inside (the ledger's row is a commit) is no step of its own.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._within = threading.local()

    @contextlib.contextmanager
    def step(self, name: str, whole: bool = False) -> Iterator[None]:
        """The step that is done within it; of a `whole` one nothing inside is told."""
        if getattr(self._within, "whole", False):
            yield
            return
        with self._lock:
            self._counts[name] += 1
            number = self._counts[name]
        self._watch(Failpoint(name, number, BEFORE))
        self._within.whole = whole
        try:
            yield
        finally:
            self._within.whole = False
        self._watch(Failpoint(name, number, AFTER))


#: The steps of the job that a session belongs to.
Whose = Callable[[SparkSession], Steps]


@contextlib.contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Within it, `watch` is told of the failpoints of the jobs that run in this process."""
    steps = Steps(watch)
    with watched_apart(lambda session: steps):
        yield


@contextlib.contextmanager
def watched_apart(whose: Whose) -> Iterator[None]:
    """The same for jobs beside each other, which are told apart by their sessions."""
    places: list[tuple[Any, str, Callable[[Any], Any]]] = [
        (Lake, "read", lambda real: _of_table(whose, "read", real)),
        (Lake, "changes", lambda real: _of_table(whose, "read changes of", real)),
        (Lake, "committing", lambda real: _committing(whose, real)),
        (Lake, "vacuum", lambda real: _of_table(whose, "vacuum", real)),
        (runner, "record", lambda real: _named(whose, "ledger write", real)),
        (storage, "replace_file", lambda real: _named(whose, "rewrite landing file", real)),
        (storage, "delete", lambda real: _named(whose, f"delete {REBUILD}", real)),
        (reprocess, "delete", lambda real: _named(whose, f"delete {REBUILD}", real)),
    ]
    with contextlib.ExitStack() as patches:
        for place, name, wrapped in places:
            patches.enter_context(mock.patch.object(place, name, wrapped(getattr(place, name))))
        yield


def _of_table(whose: Whose, verb: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def method(lake: Lake, table: Table, *arguments: Any, **options: Any) -> Any:
        with whose(lake.spark).step(f"{verb} {table.name}"):
            return real(lake, table, *arguments, **options)

    return method


def _committing(whose: Whose, real: Callable[..., Any]) -> Callable[..., Any]:
    @contextlib.contextmanager
    def committing(lake: Lake, table: Table) -> Iterator[None]:
        with whose(lake.spark).step(f"commit {table.name}"), real(lake, table):
            yield

    return committing


def _named(whose: Whose, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def function(first: Lake | SparkSession, *arguments: Any, **options: Any) -> Any:
        session = first.spark if isinstance(first, Lake) else first
        with whose(session).step(name, whole=True):
            return real(first, *arguments, **options)

    return function
