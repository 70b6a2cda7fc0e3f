"""maintain: the weekly upkeep. Compaction, old files, and what the other jobs have no more use for."""

import datetime as dt
from collections.abc import Sequence
from functools import partial
from itertools import compress

from pyspark.sql import functions as F

from spark_jobs.gold import GOLD_TABLES
from spark_jobs.jobs.aggregate import seen_version
from spark_jobs.jobs.context import JobContext
from spark_jobs.lake import storage
from spark_jobs.lake.joins import matching
from spark_jobs.lake.tables import LOADS, MANIFEST, REBUILD, RUNS, Table
from spark_jobs.lake.travel import versions
from spark_jobs.lake.upkeep import Size, compact, is_untidy, kept_time, size_of, vacuum
from spark_jobs.ledger import succeeded

#: Tables rebuilt beside the live ones (`reprocess --dry-run`) are for people to look at, for so long.
_SCRATCH = dt.timedelta(days=7)
#: How long the manifest remembers files that Bronze remembers too.
_MANIFEST_DAYS = 400


def maintain(job: JobContext) -> None:
    """Look after every table; the rows that anybody reads stay as they are.

    Runs beside the other jobs. Raises JobError where they kept a table from being compacted.
    """
    now = dt.datetime.now(dt.UTC)
    tables = [table for table in _all_tables(job) if job.lake.exists(table)]
    before = _sizes(job, tables)
    job.run.rows.update(
        retracted_rows_dropped=_drop_retracted(job), files_forgotten=_forget_files(job, now)
    )
    _drop_scratch(job, now)
    with job.run.stage("compact"):
        # One at a time: each is as much work as there are cores for.
        untidy = job.lake.together(*(partial(is_untidy, job.lake, table) for table in tables))
        compacted = sum(compact(job.lake, table) for table in compress(tables, untidy))
    with job.run.stage("vacuum"):
        job.lake.together(*(partial(_vacuum, job, table, now) for table in tables))
    job.run.rows.update(tables_compacted=compacted)
    _tell(job, tables, before)


def _vacuum(job: JobContext, table: Table, now: dt.datetime) -> None:
    days = job.settings.table_retention_days.get(table.name, job.settings.retention_days)
    vacuum(job.lake, table, kept_time(days, _unread_since(job, table), now), days)


def _all_tables(job: JobContext) -> Sequence[Table]:
    return [*job.tables.all, *GOLD_TABLES, RUNS, MANIFEST, LOADS]


def _unread_since(job: JobContext, table: Table) -> dt.datetime | None:
    """Since when the change feed of a table waits to be read by aggregate; None if nothing waits."""
    if table != job.tables.current:
        return None
    read = seen_version(job)
    if read is None or read >= job.lake.version(table):
        return None
    return next((v.at for v in versions(job.lake, table) if v.number == read + 1), None)


def _drop_retracted(job: JobContext) -> int:
    """Drop staged rows that say that Silver must forget a key, where load has heard of them."""
    staging = job.lake.read(job.tables.staging)
    runs = succeeded(job.lake, job.contract.dataset, "etl", "load").groupBy("delivery_date")
    heard = runs.agg(
        F.max(F.when(F.col("job") == "etl", F.col("started_at"))).alias("etl"),
        F.max(F.when(F.col("job") == "load", F.col("started_at"))).alias("load"),
    ).where("load > etl")
    days = heard.select(F.col("delivery_date").alias("_delivery_date"))
    retracted = matching(staging.where("_retracted"), days, ["_delivery_date"])
    return job.lake.sync(job.tables.staging, staging.limit(0), retracted).deleted


def _forget_files(job: JobContext, now: dt.datetime) -> int:
    """Drop old manifest entries of files whose rows are in Bronze: the proof that they were read."""
    days = job.settings.table_retention_days.get(MANIFEST.name, _MANIFEST_DAYS)
    manifest = job.lake.read(MANIFEST).where(F.col("dataset") == job.contract.dataset)
    old = F.col("_delivery_date") < (now - dt.timedelta(days=days)).date()
    in_bronze = job.lake.read(job.tables.bronze).select("_source_file", "_file_sha256").distinct()
    forgotten = matching(manifest.where(old), in_bronze, ["_source_file", "_file_sha256"])
    return job.lake.sync(MANIFEST, manifest.limit(0), forgotten).deleted


def _drop_scratch(job: JobContext, now: dt.datetime) -> None:
    last = job.lake.read(RUNS).where("job = 'reprocess'").agg(F.max("started_at")).collect()[0][0]
    if last is None or last.astimezone(dt.UTC) < now - _SCRATCH:
        storage.delete(job.spark, f"{job.lake.root}/{REBUILD}")


def _sizes(job: JobContext, tables: Sequence[Table]) -> dict[str, Size]:
    sizes = job.lake.together(*(partial(size_of, job.lake, table) for table in tables))
    return {table.name: size for table, size in zip(tables, sizes, strict=True)}


def _tell(job: JobContext, tables: Sequence[Table], before: dict[str, Size]) -> None:
    after = _sizes(job, tables)
    for name in ("files", "bytes", "stored_files", "stored_bytes"):
        job.run.rows[f"{name}_before"] = sum(getattr(size, name) for size in before.values())
        job.run.rows[f"{name}_after"] = sum(getattr(size, name) for size in after.values())
    for table in tables:
        was, now = before[table.name], after[table.name]
        if was != now:
            job.run.notes.append(
                f"{table.name}: {was.files} -> {now.files} files, {was.bytes:,} -> {now.bytes:,} bytes; "
                f"in its folder {was.stored_files} -> {now.stored_files} files, "
                f"{was.stored_bytes:,} -> {now.stored_bytes:,} bytes."
            )
