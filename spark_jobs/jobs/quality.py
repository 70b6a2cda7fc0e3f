"""The quality of the deliveries: its Gold table, and what the ledger is told for it."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold.data_quality_daily import TABLE, data_quality_daily
from spark_jobs.gold.delivery_counts import refused_by_delivery, staged_by_delivery
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.known_quality import known_quality
from spark_jobs.lake.lake import Synced
from spark_jobs.lake.tables import LOADS, RUNS
from spark_jobs.ledger import DELIVERED, TAKEN_BACK, WHOLE, Told, deliveries, of_delivery, that_tell
from spark_jobs.usual import Limits


def refresh_quality(job: JobContext, exit_code: int = 0, whole: bool = False) -> Synced:
    """Make gold/data_quality_daily what the ledger, the quarantine and the staged rows say now.

    Where staging is large only deliveries are counted that are not known already, but for `whole`. The
    job's own run counts as one that ends now, with `exit_code`. The table is no part of the consistent
    points, since it follows from what is there: whoever changes that calls this.
    """
    if not job.settings.data_quality:
        return Synced()
    # Before anything is counted: the run notes that version, and known_quality looks who has written since.
    table, present = TABLE, job.lake.read(TABLE)
    quarantine, loaded = job.lake.read(job.tables.quarantine), loaded_deliveries(job)
    known = {} if whole else known_quality(job, loaded)
    which = ~F.col("_delivery_date").isin(*known) if known else F.lit(True)
    with job.lake.compiled_for(job.tables.staging):
        staged = staged_rows(job)
        if known:
            staged = _of_their_seasons(staged, which, job.contract.partition)
        counts = (
            refused_by_delivery(quarantine.where(which)),
            staged_by_delivery(staged, quarantine, loaded, which),
        )
        refused, good = job.lake.together(*(count.collect for count in counts))
    rows = data_quality_daily(told_by_runs(job, exit_code), refused, good, loaded, limits(job), known)
    values = [tuple(row[name] for name in table.schema.names) for row in rows]
    wanted = job.spark.createDataFrame(values, table.schema).coalesce(1)
    return job.lake.sync(table, wanted, present)


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


def _of_their_seasons(staged: DataFrame, which: Column, partition: str) -> DataFrame:
    """The rows of the seasons that some deliveries' rows are of: no others can have one of their keys."""
    season = F.col(f"_key.{partition}")
    seasons = [row[0] for row in staged.where(which).select(season).distinct().collect()]
    return staged.where(season.isin(*seasons))


def loaded_deliveries(job: JobContext) -> set[dt.date]:
    """The deliveries that Silver is made of."""
    marks = job.lake.read(LOADS).where(F.col("dataset") == job.contract.dataset)
    return {row["_delivery_date"] for row in marks.select("_delivery_date").distinct().collect()}


def told_by_runs(job: JobContext, exit_code: int = 0) -> dict[dt.date, Told]:
    """What the ledger, and the job's own run as if it ended now, says of the deliveries."""
    outcome = "failed" if exit_code else "succeeded"
    own = {**job.run.values(), "outcome": outcome, "exit_code": exit_code}
    return deliveries([*_runs(job, F.lit(True)), own])


def tell(job: JobContext, counts: Mapping[dt.date, Mapping[str, int]]) -> None:
    """Note in the run what it made of each delivery, and which of those before are no longer there."""
    for date in sorted(set(told_by_runs(job)) - set(counts)):
        job.run.rows.update(of_delivery(date, {TAKEN_BACK: 1}))
    for date, of_date in counts.items():
        job.run.rows.update(of_delivery(date, of_date))


def told_at(job: JobContext, staging_version: int) -> dict[dt.date, dict[str, int]]:
    """What was told of each delivery when staging had a version, for `tell`."""
    staging = job.tables.staging.name
    version = F.expr(f"coalesce(versions_written['{staging}'], versions_read['{staging}'], -1L)")
    told = deliveries(_runs(job, version <= staging_version))
    return {
        date: {
            DELIVERED: said.delivered,
            "staged": said.staged or 0,
            "duplicate": said.duplicate or 0,
            "superseded": said.superseded or 0,
            WHOLE: int(said.whole),
        }
        for date, said in told.items()
        if said.delivered is not None
    }


def _runs(job: JobContext, which: Column) -> list[dict[str, Any]]:
    runs = job.lake.read(RUNS).where((F.col("dataset") == job.contract.dataset) & which)
    return [row.asDict() for row in that_tell(runs).collect()]
