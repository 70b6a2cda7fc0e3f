"""The last reading of the lake, and when it is time for another.

Every job ends with a row in the ledger, so that the rest of the lake is read when the ledger's version has
moved; and every quarter of an hour in any case, since a job that was killed leaves none. A part that cannot
be read keeps the figures that it had, and an error is counted.
"""

import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from metrics_exporter.gold import gold_samples, newest_delivery_at
from metrics_exporter.lake import LakeReader
from metrics_exporter.ledger import RUNS, Run, ledger_samples, read_runs, tables_of
from metrics_exporter.quarantine import quarantine_samples
from metrics_exporter.samples import Sample, sample, samples
from metrics_exporter.tables import table_samples

log = logging.getLogger(__name__)
PARTS = ("ledger", "quarantine", "gold", "tables")
#: After so many seconds all is read again though the ledger has not moved.
MOST_SECONDS = 900.0


class Reading:
    """What is known of one dataset's lake."""

    def __init__(self, lake: LakeReader, dataset: str, clock: Callable[[], float] = time.time) -> None:
        self._lake = lake
        self._dataset = dataset
        self._clock = clock
        self._runs: list[Run] = []
        self._parts: dict[str, list[Sample]] = {}
        self._tables: dict[str, tuple[int, list[Sample]]] = {}
        self._errors: Counter[str] = Counter()
        self._failed: set[str] = set()
        self._ledger_version = -1
        self._last_whole = float("-inf")
        self._last_good: float | None = None
        self._seconds = 0.0
        self._shown: tuple[Sample, ...] = ()
        self._show()

    def refresh(self) -> bool:
        """Look at the ledger, and read all where it has moved; whether it was read. Never raises."""
        started, before = time.monotonic(), self._ledger_version
        self._failed = set()
        due = self._clock() - self._last_whole >= MOST_SECONDS
        if due:
            self._lake.forget()
        self._part("ledger", self._read_ledger)
        due = due or self._ledger_version != before or bool(self._failed)
        if due:
            self._part("quarantine", self._read_quarantine)
            self._part("gold", self._read_gold)
            self._part("tables", self._read_tables)
            self._seconds = time.monotonic() - started
            # What could not be read is tried again at the next look.
            self._last_whole = float("-inf") if self._failed else self._clock()
        if not self._failed:
            self._last_good = self._clock()
        self._show()
        return due

    @property
    def samples(self) -> Sequence[Sample]:
        """All figures as they were at the last refresh."""
        return self._shown

    def _part(self, name: str, read: Callable[[], None]) -> None:
        try:
            read()
        except Exception as error:  # whatever it is: the other parts, and the next reading, go on
            self._fail(name, error)

    def _fail(self, part: str, error: Exception) -> None:
        self._failed.add(part)
        self._errors[part] += 1
        # The kind of it only: a message may quote what lies in the lake.
        log.error("The %s could not be read (%s); the last figures stay.", part, type(error).__name__)

    def _read_ledger(self) -> None:
        table = self._lake.table(RUNS)
        if table is None or table.version() == self._ledger_version:
            return
        self._runs = read_runs(table, self._dataset)
        self._parts["ledger"] = ledger_samples(self._runs)
        self._ledger_version = table.version()

    def _read_quarantine(self) -> None:
        table = self._lake.table(f"quarantine/{self._dataset}")
        self._parts["quarantine"] = quarantine_samples(table) if table else []

    def _read_gold(self) -> None:
        def newest(version: int) -> dt.date | None:
            return newest_delivery_at(self._lake, self._dataset, version)

        self._parts["gold"] = gold_samples(self._runs, newest)

    def _read_tables(self) -> None:
        there = tables_of(self._runs) if self._runs else []
        for name in [known for known in self._tables if known not in there]:
            del self._tables[name]
        for name in there:
            try:
                self._read_table(name)
            except Exception as error:  # one table that is broken hides none of the others
                self._fail("tables", error)
        self._parts["tables"] = [one for _, found in self._tables.values() for one in found]

    def _read_table(self, name: str) -> None:
        table = self._lake.table(name)
        if table is None:
            self._tables.pop(name, None)
        elif self._tables.get(name, (-1, []))[0] != table.version():
            self._tables[name] = (table.version(), table_samples(name, table))

    def _show(self) -> None:
        found = (one for part in self._parts.values() for one in part)
        self._shown = (*found, *self._about_itself())

    def _about_itself(self) -> Iterable[Sample]:
        yield sample("mlb_lake_up", self._last_good is not None and not self._failed)
        yield sample("mlb_lake_read_seconds", self._seconds)
        yield from samples("mlb_lake_read_errors_total", {(part,): self._errors[part] for part in PARTS})
        if self._last_good is not None:
            yield sample("mlb_lake_last_read_timestamp_seconds", self._last_good)
