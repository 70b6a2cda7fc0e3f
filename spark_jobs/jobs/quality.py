"""The quality of the deliveries: its Gold table, and what the ledger is told for it."""

import datetime as dt
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import data_quality_daily
from spark_jobs.jobs.context import JobContext
from spark_jobs.lake.lake import Synced
from spark_jobs.lake.tables import LOADS, RUNS, Table
from spark_jobs.ledger import DELIVERED, TAKEN_BACK, WHOLE, deliveries, of_delivery
from spark_jobs.usual import Limits


def refresh_quality(job: JobContext, exit_code: int = 0) -> Synced:
    """Make gold/data_quality_daily what the ledger, the quarantine and the staged rows say now, whole.

    The job's own run counts as one that ends now, with `exit_code`. The table is no part of the consistent
    points, since it follows from what is there: whoever changes that calls this.
    """
    if not job.settings.data_quality:
        return Synced()
    table = data_quality_daily.TABLE
    rows = data_quality_daily.data_quality_daily(
        told=told(job, exit_code).localCheckpoint(),
        quarantine=_once(job, job.tables.quarantine, job.lake.read(job.tables.quarantine)),
        staged=_once(job, job.tables.staging, staged_rows(job)),
        loaded=loaded(job).localCheckpoint(),
        limits=limits(job),
    )
    return job.lake.sync(table, rows.coalesce(1), job.lake.read(table))


def _once(job: JobContext, table: Table, rows: DataFrame) -> DataFrame:
    """Rows that are used several times: of a small table kept, since each scan of Delta costs planning."""
    return rows.localCheckpoint() if job.lake.is_small(table) else rows


def limits(job: JobContext) -> Limits:
    """The bounds' settings."""
    settings = job.settings
    return Limits(
        warn=settings.unusual_warn,
        stop=settings.unusual_stop,
        history=settings.unusual_history,
        minimum=settings.unusual_minimum,
    )


def staged_rows(job: JobContext) -> DataFrame:
    """The rows staged now, as the quality of the deliveries is computed from them."""
    contract = job.contract
    return (
        job.lake.read(job.tables.staging)
        .where("NOT _retracted")
        .selectExpr(
            "_row_id",
            "_delivery_date",
            f"struct({', '.join(contract.key)}) AS _key",
            f"{contract.sequence} AS _at",
            f"{contract.operation} = '{contract.delete_operation}' AS _deleted",
            "salary",
        )
    )


def loaded(job: JobContext) -> DataFrame:
    """The deliveries that Silver is made of."""
    marks = job.lake.read(LOADS).where(F.col("dataset") == job.contract.dataset)
    return marks.select("_delivery_date").distinct()


def told(job: JobContext, exit_code: int = 0) -> DataFrame:
    """What the ledger, and the job's own run as if it ended now, says of the deliveries."""
    run, now = job.run, dt.datetime.now(dt.UTC)
    ended = {"outcome": "failed" if exit_code else "succeeded", "exit_code": exit_code, "finished_at": now}
    values = {**run.values(), **ended}
    own = job.spark.createDataFrame([tuple(values[name] for name in RUNS.schema.names)], RUNS.schema)
    return _told(job, job.lake.read(RUNS).unionByName(own))


def _told(job: JobContext, runs: DataFrame) -> DataFrame:
    return deliveries(runs.where(F.col("dataset") == job.contract.dataset))


def tell(job: JobContext, counts: Mapping[dt.date, Mapping[str, int]]) -> None:
    """Note in the run what it made of each delivery, and which of those before are no longer there."""
    before = {row["_delivery_date"] for row in told(job).select("_delivery_date").collect()}
    for date in sorted(before - set(counts)):
        job.run.rows.update(of_delivery(date, {TAKEN_BACK: 1}))
    for date, of_date in counts.items():
        job.run.rows.update(of_delivery(date, of_date))


def told_at(job: JobContext, staging_version: int) -> dict[dt.date, dict[str, int]]:
    """What was told of each delivery when staging had a version, for `tell`."""
    staging = job.tables.staging.name
    version = f"coalesce(versions_written['{staging}'], versions_read['{staging}'], -1L)"
    rows = _told(job, job.lake.read(RUNS).where(f"{version} <= {staging_version}")).collect()
    return {
        row["_delivery_date"]: {
            DELIVERED: row["_delivered"],
            "staged": row["_staged"],
            "duplicate": row["_duplicate"],
            "superseded": row["_superseded"],
            WHOLE: int(row["_whole"] or 0),
        }
        for row in rows
        if row["_delivered"] is not None
    }
