"""The ledger: one row for every run of a job, in `ops/runs`, and the same row as JSON for people."""

import contextlib
import datetime as dt
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import ConservationError, JobStopped
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
        date = self.delivery_date.isoformat() if self.delivery_date else None
        return json.dumps({"run_id": self.run_id, "job": self.job, "delivery_date": date})

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
_OF_A_DELIVERY = (DELIVERED, "staged", "duplicate", "superseded")
_TELL_OF_MANY = ("reprocess", "restore", "erase")


def of_delivery(date: dt.date, counts: Mapping[str, int]) -> dict[str, int]:
    """What a run over many deliveries has to say of one, as entries of its `rows`."""
    return {f"{date}/{name}": count for name, count in counts.items()}


def deliveries(runs: DataFrame) -> DataFrame:
    """What the ledger's runs say of each delivery: the last word counts.

    `_delivery_date`, `_delivered`, `_staged`, `_duplicate` and `_superseded` (rows, as etl counts them),
    `_whole` (whether all of it was refused), `_by_hand` (whether a person let it pass as unusual). A
    delivery that was taken back has no counts.
    """
    of_etl = "job = 'etl' AND (outcome = 'succeeded' OR exit_code = 3) AND rows['rows_in'] IS NOT NULL"
    said_besides = f"map('{DELIVERED}', rows['rows_in'], '{WHOLE}', IF(exit_code = 3, 1L, 0L))"
    etl = runs.where(of_etl).selectExpr(
        "delivery_date AS _delivery_date", "finished_at", f"map_concat(rows, {said_besides}) AS _counts"
    )
    many = runs.where(F.col("job").isin(*_TELL_OF_MANY) & (F.col("outcome") == "succeeded"))
    entries = many.select("run_id", "finished_at", F.explode("rows").alias("_name", "_count"))
    entries_as_map = "map_from_entries(collect_list(struct(split_part(_name, '/', 2), _count)))"
    by_run = (
        entries.where(r"_name RLIKE '^\\d{4}-\\d{2}-\\d{2}/'")
        .selectExpr("*", "to_date(split_part(_name, '/', 1)) AS _delivery_date")
        .groupBy("run_id", "_delivery_date", "finished_at")
        .agg(F.expr(f"{entries_as_map} AS _counts"))
    )
    last = etl.unionByName(by_run.drop("run_id")).groupBy("_delivery_date")
    told = last.agg(F.max_by("_counts", "finished_at").alias("_last"))
    passed = runs.where("job = 'load' AND outcome = 'succeeded' AND rows['unusual_accepted'] = 1")
    passed = passed.selectExpr("delivery_date AS _delivery_date", "true AS _by_hand").distinct()
    counts = [f"_last['{name}'] AS _{name}" for name in _OF_A_DELIVERY]
    return told.join(passed, on="_delivery_date", how="left").selectExpr(
        "_delivery_date", *counts, f"_last['{WHOLE}'] = 1 AS _whole", "_by_hand"
    )


def check_conservation(job: str, rows_in: int, outcomes: dict[str, int]) -> None:
    """Assert that every row that came in has exactly one outcome."""
    if rows_in != sum(outcomes.values()):
        parts = ", ".join(f"{count} {name}" for name, count in outcomes.items())
        raise ConservationError(
            f"{job}: {rows_in} rows came in but {sum(outcomes.values())} came out ({parts}). "
            "Nothing was committed. This is a defect of the program: please report it."
        )
