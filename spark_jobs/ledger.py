"""The ledger: one row for every run of a job, in `ops/runs`, and the same row as JSON for people."""

import datetime as dt
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

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
    failed, `error` is the sentence that ended the run.
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
    notes: list[str] = field(default_factory=list)
    error: str | None = None

    @property
    def seconds(self) -> float:
        """How long the run has taken, in seconds."""
        end = self.finished_at or dt.datetime.now(dt.UTC)
        return round((end - self.started_at).total_seconds(), 3)

    def finish(self, exit_code: int, error: str | None = None) -> None:
        """Close the run."""
        self.finished_at = dt.datetime.now(dt.UTC)
        self.exit_code = exit_code
        self.outcome = {0: "succeeded", JobStopped.exit_code: "stopped"}.get(exit_code, "failed")
        self.error = error

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


def check_conservation(job: str, rows_in: int, outcomes: dict[str, int]) -> None:
    """Assert that every row that came in has exactly one outcome."""
    if rows_in != sum(outcomes.values()):
        parts = ", ".join(f"{count} {name}" for name, count in outcomes.items())
        raise ConservationError(
            f"{job}: {rows_in} rows came in but {sum(outcomes.values())} came out ({parts}). "
            "Nothing was committed. This is a defect of the program: please report it."
        )
