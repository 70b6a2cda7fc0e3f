"""The ledger: one row for every run of a job, in `ops/runs`, and the same row as JSON for people."""

import contextlib
import datetime as dt
import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import BadDelivery, ConservationError, JobStopped
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import RUNS


def new_run_id() -> str:
    """A run_id that no other run has."""
    return uuid.uuid4().hex


@dataclass
class Run:
    """One run of a job, filled in while it goes.

    `rows` counts rows by outcome, `notes` are sentences that people should read though nothing
    failed, `error` is the sentence that ended the run. `parameters` is what the job was asked for
    besides a date, `point` the versions of tables that belong together since this run. `stages` has the
    seconds of its parts in their order, `measures` what it read, wrote and took (process/measures.py).
    `error_for_others` is the error as it may leave the platform, and stands in no ledger.
    """

    job: str
    dataset: str
    contract_version: str
    delivery_date: dt.date | None
    started_at: dt.datetime
    run_id: str = field(default_factory=new_run_id)
    outcome: str = "running"
    exit_code: int | None = None
    finished_at: dt.datetime | None = None
    rows: dict[str, int] = field(default_factory=dict)
    versions_read: dict[str, int] = field(default_factory=dict)
    versions_written: dict[str, int] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    point: dict[str, int] | None = None
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    stages: dict[str, float] = field(default_factory=dict)
    measures: dict[str, float] = field(default_factory=dict)
    error_for_others: str | None = None

    @property
    def seconds(self) -> float:
        """How long the run has taken, in seconds."""
        end = self.finished_at or dt.datetime.now(dt.UTC)
        return round((end - self.started_at).total_seconds(), 3)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A part of the run, whose seconds are noted; those of parts of one name add up."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.stages[name] = round(self.stages.get(name, 0) + time.monotonic() - started, 3)

    def finish(self, exit_code: int, error: str | None = None, for_others: str | None = None) -> None:
        """Close the run."""
        self.finished_at = dt.datetime.now(dt.UTC)
        self.exit_code = exit_code
        self.outcome = {0: "succeeded", JobStopped.exit_code: "stopped"}.get(exit_code, "failed")
        self.error = error
        self.error_for_others = for_others

    def signature(self) -> str:
        """What the run's commits are signed with, as JSON: Delta keeps it as their user metadata."""
        return signature_of(self.run_id, self.job, self.delivery_date)

    def values(self) -> dict[str, Any]:
        """The row of the ledger."""
        return {name: getattr(self, name) for name in RUNS.schema.names}

    def as_json(self) -> str:
        """The row as one line of JSON, dates in ISO 8601."""
        return json.dumps(self.values(), default=lambda value: value.isoformat(), ensure_ascii=False)


def record(lake: Lake, run: Run) -> None:
    """Write the run's row. Its own commit is not among the versions that it tells of."""
    values = run.values()
    row = lake.spark.createDataFrame([tuple(values[n] for n in RUNS.schema.names)], RUNS.schema)
    lake.append(RUNS, row.coalesce(1))
    lake.versions_written.pop(RUNS.name, None)


def signature_of(run_id: str, job: str, delivery_date: dt.date | None) -> str:
    """What a run's commits are signed with, see `Run.signature`."""
    date = delivery_date.isoformat() if delivery_date else None
    return json.dumps({"run_id": run_id, "job": job, "delivery_date": date})


def succeeded(lake: Lake, dataset: str, *jobs: str) -> DataFrame:
    """The ledger's rows of a dataset's runs that have succeeded, of some jobs or of all."""
    done = (F.col("dataset") == dataset) & (F.col("outcome") == "succeeded")
    runs = lake.read(RUNS).where(done)
    return runs.where(F.col("job").isin(*jobs)) if jobs else runs


def points(lake: Lake, dataset: str) -> DataFrame:
    """The runs that have published Gold: each `point` says which versions belong together since then."""
    return succeeded(lake, dataset).where(F.col("point").isNotNull())


#: What a run that tells of several deliveries says of each, in its `rows` as `<date>/<name>`.
DELIVERED, WHOLE, TAKEN_BACK = "delivered", "whole", "taken_back"
_TELL_OF_MANY = ("reprocess", "restore", "erase")


def of_delivery(date: dt.date, counts: Mapping[str, int]) -> dict[str, int]:
    """What a run over many deliveries has to say of one, as entries of its `rows`."""
    return {f"{date}/{name}": count for name, count in counts.items()}


class Told(NamedTuple):
    """What the ledger says of a delivery: rows as etl counts them, None where that is not known.

    whole: all of it was refused; by_hand: a person let it pass as unusual.
    """

    delivered: int | None
    staged: int | None
    duplicate: int | None
    superseded: int | None
    whole: bool
    by_hand: bool


def that_tell(runs: DataFrame) -> DataFrame:
    """The ledger's runs that say something of deliveries, in the order in which they ended."""
    jobs = F.col("job").isin("etl", "load", *_TELL_OF_MANY)
    ended = (F.col("outcome") == "succeeded") | (F.col("exit_code") == BadDelivery.exit_code)
    columns = ("job", "outcome", "exit_code", "delivery_date", "rows", "finished_at")
    return runs.where(jobs & ended).select(*columns).orderBy("finished_at")


def deliveries(runs: Iterable[Mapping[str, Any]]) -> dict[dt.date, Told]:
    """What runs, in the order in which they ended, say of each delivery: the last word counts.

    A delivery that was taken back has no counts.
    """
    last: dict[dt.date, Mapping[str, int]] = {}
    by_hand: set[dt.date] = set()
    for run in runs:
        last.update(_said(run))
        if run["job"] == "load" and run["outcome"] == "succeeded" and run["rows"].get("unusual_accepted"):
            by_hand.add(run["delivery_date"])
    return {
        date: Told(
            delivered=said.get(DELIVERED),
            staged=said.get("staged"),
            duplicate=said.get("duplicate"),
            superseded=said.get("superseded"),
            whole=said.get(WHOLE) == 1,
            by_hand=date in by_hand,
        )
        for date, said in last.items()
    }


def _said(run: Mapping[str, Any]) -> dict[dt.date, dict[str, int]]:
    """What one run says of deliveries: etl of its own, others of all that they touch."""
    rows, succeeded_ = run["rows"], run["outcome"] == "succeeded"
    said: dict[dt.date, dict[str, int]] = {}
    if run["job"] == "etl" and "rows_in" in rows:
        if succeeded_ or run["exit_code"] == BadDelivery.exit_code:
            said[run["delivery_date"]] = {**rows, DELIVERED: rows["rows_in"], WHOLE: int(not succeeded_)}
    elif run["job"] in _TELL_OF_MANY and succeeded_:
        for entry, count in rows.items():
            date, _, name = entry.partition("/")
            with contextlib.suppress(ValueError):  # an entry of another kind, such as "gold/x changed"
                said.setdefault(dt.date.fromisoformat(date), {})[name] = count
    return said


def check_conservation(job: str, rows_in: int, outcomes: dict[str, int]) -> None:
    """Assert that every row that came in has exactly one outcome."""
    if rows_in != sum(outcomes.values()):
        parts = ", ".join(f"{count} {name}" for name, count in outcomes.items())
        raise ConservationError(
            f"{job}: {rows_in} rows came in but {sum(outcomes.values())} came out ({parts}). "
            "Nothing was committed. This is a defect of the program: please report it."
        )
