"""Figures of the ledger: what every run did. Only counts, times and names of jobs are read of it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from deltalake import DeltaTable

from metrics_exporter.catalogue import DELIVERIES, MEASURES, last_run_of, total_of
from metrics_exporter.lake import columns_of, query
from metrics_exporter.samples import Sample, sample, samples, timestamp

RUNS = "ops/runs"
OUTCOMES = ("succeeded", "failed", "stopped")
#: What becomes of each row that comes into a job: these add up to its rows_in.
CONSERVED = {
    "etl": ("staged", "duplicate", "superseded", "quarantined"),
    "load": ("current", "late", "unchanged", "repeated", "quarantined"),
}
#: Columns that a ledger of an older release may not have.
_NEWER = ("stages", "measures")
_NO_ROWS = ("files", "bytes", "stored_", "tables_", "seasons_", "attempts", "unusual")
_COLUMNS = (
    *("job", "delivery_date", "outcome", "exit_code", "started_at", "finished_at", "seconds", "rows"),
    *("versions_read", "versions_written", "point", *_NEWER),
)


@dataclass(frozen=True)
class Run:
    """A row of the ledger, without its texts."""

    job: str
    delivery_date: dt.date | None
    outcome: str
    exit_code: int
    started_at: float
    finished_at: float
    seconds: float
    rows: dict[str, int] = field(default_factory=dict)
    versions_read: dict[str, int] = field(default_factory=dict)
    versions_written: dict[str, int] = field(default_factory=dict)
    point: dict[str, int] | None = None
    stages: dict[str, float] = field(default_factory=dict)
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def conservation_difference(self) -> int | None:
        """Rows that came in less rows that have an outcome; None for a run that counts none."""
        outcomes = CONSERVED.get(self.job)
        if outcomes is None or "rows_in" not in self.rows:
            return None
        return self.rows["rows_in"] - sum(self.rows.get(name, 0) for name in outcomes)


def read_runs(table: DeltaTable, dataset: str) -> list[Run]:
    """The dataset's runs, in the order in which they ended."""
    there = columns_of(table)
    columns = ", ".join(name for name in _COLUMNS if name in there)
    wanted = dataset.replace("'", "''")
    rows = query(table, f"SELECT {columns} FROM t WHERE dataset = '{wanted}' ORDER BY finished_at")
    return [_run(row) for row in rows]


def _run(row: dict[str, Any]) -> Run:
    maps = ("rows", "versions_read", "versions_written", *_NEWER)
    return Run(
        job=row["job"],
        delivery_date=row["delivery_date"],
        outcome=row["outcome"],
        exit_code=row["exit_code"],
        started_at=timestamp(row["started_at"]),
        finished_at=timestamp(row["finished_at"]),
        seconds=row["seconds"],
        point=dict(row["point"]) if row["point"] else None,
        **{name: dict(row.get(name) or ()) for name in maps},
    )


def tables_of(runs: Iterable[Run]) -> list[str]:
    """The tables that runs have read or written: all that there are, since only jobs make them."""
    named = {name for run in runs for name in (*run.versions_read, *run.versions_written)}
    return sorted(named | {RUNS})


def newest_point(runs: Sequence[Run]) -> Run | None:
    """The run that has published Gold last."""
    published = [run for run in runs if run.point and run.outcome == "succeeded"]
    return published[-1] if published else None


def newest_deliveries(days: Iterable[dt.date | None]) -> list[dt.date]:
    """The newest days of some, as many as have series of their own."""
    return sorted({day for day in days if day})[-DELIVERIES:]


def ledger_samples(runs: Sequence[Run]) -> list[Sample]:
    """Everything that the ledger alone says. `runs` are in the order of their end."""
    return [*_totals(runs), *_last_runs(runs), *_by_delivery(runs)]


def _totals(runs: Sequence[Run]) -> Iterable[Sample]:
    sums: dict[str, dict[tuple[str, ...], float]] = defaultdict(lambda: defaultdict(float))
    for run in runs:
        # Each outcome has its series from the first run on: an increase from nothing is none to Prometheus.
        for outcome in OUTCOMES:
            sums["mlb_runs_total"][run.job, outcome] += outcome == run.outcome
        sums["mlb_run_seconds_total"][run.job,] += run.seconds
        for name, count in _counts(run):
            sums["mlb_rows_total"][run.job, name] += count
        for name, seconds in run.stages.items():
            sums["mlb_stage_seconds_total"][run.job, name] += seconds
        for name, (_, _, adds_up) in MEASURES.items():
            if adds_up and name in run.measures:
                sums[total_of(name)][run.job,] += run.measures[name]
        if run.job in CONSERVED:
            sums["mlb_conservation_failures_total"][run.job,] += bool(run.conservation_difference)
    return [one for name, values in sums.items() for one in samples(name, values)]


def _counts(run: Run) -> list[tuple[str, int]]:
    """Rows by outcome. The ledger counts files and the like beside them, and single tables for people."""
    return [(n, count) for n, count in run.rows.items() if "/" not in n and not n.startswith(_NO_ROWS)]


def _last_runs(runs: Sequence[Run]) -> Iterable[Sample]:
    for job in sorted({run.job for run in runs}):
        of_job = [run for run in runs if run.job == job]
        last = of_job[-1]
        for outcome in OUTCOMES:
            yield sample("mlb_last_run_outcome", outcome == last.outcome, job, outcome)
        yield sample("mlb_last_run_exit_code", last.exit_code, job)
        yield sample("mlb_last_run_start_timestamp_seconds", last.started_at, job)
        yield sample("mlb_last_run_end_timestamp_seconds", last.finished_at, job)
        yield sample("mlb_last_run_seconds", last.seconds, job)
        if last.delivery_date:
            day = timestamp(last.delivery_date)
            yield sample("mlb_last_run_delivery_timestamp_seconds", day, job)
        done = [run for run in of_job if run.outcome == "succeeded"]
        if done:
            yield sample("mlb_last_success_timestamp_seconds", done[-1].finished_at, job)
        yield from _last_measures(job, of_job)


def _last_measures(job: str, of_job: Sequence[Run]) -> Iterable[Sample]:
    """Of each measure, and of the stages, what the newest run says that has it."""
    staged = _newest(of_job, lambda run: bool(run.stages))
    if staged:
        yield from samples("mlb_last_run_stage_seconds", {(job, s): v for s, v in staged.stages.items()})
    for name in MEASURES:
        measured = _newest(of_job, lambda run, name=name: name in run.measures)
        if measured:
            yield sample(last_run_of(name), measured.measures[name], job)


def _newest(runs: Sequence[Run], has: Callable[[Run], bool]) -> Run | None:
    return next((run for run in reversed(runs) if has(run)), None)


def _by_delivery(runs: Sequence[Run]) -> Iterable[Sample]:
    days = newest_deliveries(run.delivery_date for run in runs)
    # The runs are in order: the newest of a job and a delivery is the one that stays.
    newest = {(run.job, run.delivery_date): run for run in runs if run.delivery_date in days}
    counted = {(r.job, r.delivery_date): r for r in runs if r.delivery_date in days and r.rows}
    for (job, day), run in newest.items():
        yield sample("mlb_delivery_run_seconds", run.seconds, job, str(day))
    for (job, day), run in counted.items():
        rows = {(job, str(day), name): count for name, count in _counts(run)}
        yield from samples("mlb_delivery_rows", rows)
        if run.conservation_difference is not None:
            difference = run.conservation_difference
            yield sample("mlb_delivery_conservation_difference_rows", difference, job, str(day))
        if job == "load":
            yield sample("mlb_delivery_unusual_figures", run.rows.get("unusual", 0), str(day))
        if job == "etl" and run.rows.get("rows_in"):
            share = run.rows.get("quarantined", 0) / run.rows["rows_in"]
            yield sample("mlb_delivery_quarantine_ratio", share, str(day))
