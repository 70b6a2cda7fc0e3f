"""Upkeep of a table: small files made large, old files deleted, nothing that anybody still reads."""

import datetime as dt
from dataclasses import dataclass
from urllib.parse import unquote

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.errors import JobError
from spark_jobs.lake import storage
from spark_jobs.lake.conflicts import CONFLICTS
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import Table
from spark_jobs.sql import literal

_MOST_TRIES = 5
#: A partition with several files below this, or with many deleted rows in one, is written again.
SMALL_FILE = 64 * 1024**2
MOST_DELETED = 0.05
#: Rows of a rewritten file lie in the order that its table is clustered by: readers skip parts of it.
_SORTED = "spark.databricks.io.skipping.mdc.sortWithinFiles"
_LOG = "/_delta_log/"
_DURATIONS = ("delta.logRetentionDuration", "delta.deletedFileRetentionDuration")


@dataclass(frozen=True)
class Size:
    """Files and bytes of a table's newest version, and of all that lies in its folder."""

    files: int
    bytes: int
    stored_files: int
    stored_bytes: int


def size_of(lake: Lake, table: Table) -> Size:
    """How large a table is."""
    files = lake.files(table).agg(F.count("*"), F.coalesce(F.sum("size"), F.lit(0))).collect()[0]
    stored = storage.walk_files(lake.spark, lake.path(table))
    return Size(files[0], files[1], len(stored), sum(file.size for file in stored))


def compact(lake: Lake, table: Table) -> bool:
    """Write partitions of small, half-deleted, unmeasured or unsorted files again; whether there were any.

    The rows stay as they are. A commit that comes between is no failure: what is left is looked at
    again, at most five times. Raises JobError after that.
    """
    for _ in range(_MOST_TRIES):
        partitions = _untidy_of(lake, table).collect()
        if not partitions:
            return False
        optimize = DeltaTable.forPath(lake.spark, lake.path(table)).optimize()
        if table.partition_by:
            optimize = optimize.where(_of_partitions(table, [row["partitionValues"] for row in partitions]))
        try:
            with lake.committing(table), lake.setting(_SORTED, "true"):
                if table.cluster_by:
                    optimize.executeZOrderBy(*table.cluster_by)
                else:
                    optimize.executeCompaction()
        except CONFLICTS:
            continue
        return True
    raise JobError(f"Other jobs kept writing to {table.name}: it was not compacted. Run maintain again.")


def is_untidy(lake: Lake, table: Table) -> bool:
    """Whether `compact` would write any of a table's partitions again."""
    return not _untidy_of(lake, table).isEmpty()


def _untidy_of(lake: Lake, table: Table) -> DataFrame:
    # What lies in the order of several columns cannot be seen from the least and greatest of each.
    return untidy(lake.files(table), table.cluster_by[0] if len(table.cluster_by) == 1 else None)


def untidy(files: DataFrame, sorted_by: str | None = None) -> DataFrame:
    """The partitions (`partitionValues`) whose files are worth writing again.

    `files` are Delta's AddFile entries. A single small file is as good as it gets, unless many of its
    rows are marked as deleted, or it came without statistics. Files share no values of `sorted_by`, a
    column of numbers, but for the last of one and the first of the next.
    """
    rows = F.get_json_object("stats", "$.numRecords").cast("bigint")
    deleted = F.coalesce(F.col("deletionVector.cardinality"), F.lit(0))
    small = F.count(F.when(F.col("size") < SMALL_FILE, True))
    half_deleted = F.count(F.when(deleted > rows * MOST_DELETED, True))
    unmeasured = F.count(F.when(rows.isNull(), True))
    files = files.withColumn("partition", F.sort_array(F.map_entries("partitionValues")))
    partitions = (
        files.withColumn("overlaps", _overlaps(sorted_by))
        .groupBy("partition")
        .agg(
            F.first("partitionValues").alias("partitionValues"),
            small.alias("small"),
            half_deleted.alias("half_deleted"),
            unmeasured.alias("unmeasured"),
            F.count(F.when(F.col("overlaps"), True)).alias("unsorted"),
        )
    )
    return partitions.where("small > 1 OR half_deleted > 0 OR unmeasured > 0 OR unsorted > 0")


def _overlaps(column: str | None) -> Column:
    """Whether a file holds values below the greatest of the files before it in its partition."""
    if column is None:
        return F.lit(False)
    bounds = (F.get_json_object("stats", f"$.{bound}.{column}") for bound in ("minValues", "maxValues"))
    least, greatest = (bound.try_cast("double") for bound in bounds)
    in_order = Window.partitionBy("partition").orderBy(least, greatest)
    return F.max(greatest).over(in_order.rowsBetween(Window.unboundedPreceding, -1)) > least


def _of_partitions(table: Table, partitions: list[dict[str, str]]) -> str:
    def one(values: dict[str, str]) -> str:
        return " AND ".join(f"{name} = {literal(values[name])}" for name in table.partition_by)

    return " OR ".join(f"({one(values)})" for values in partitions)


def vacuum(lake: Lake, table: Table, kept: dt.timedelta, days: int) -> None:
    """Delete files that no version of the last `kept` time needs; the table's properties promise `days`.

    Anybody else's VACUUM keeps that promise too, since Delta refuses a shorter time than the property.
    """
    promise: dict[str, str] = {name: f"interval {days} days" for name in _DURATIONS}
    if any(lake.property(table, name) != value for name, value in promise.items()):
        lake.set_properties(table, promise)
    if _has_old_files(lake, table, dt.datetime.now(dt.UTC) - kept):
        lake.vacuum(table, kept)


def _has_old_files(lake: Lake, table: Table, before: dt.datetime) -> bool:
    """Whether files from before a time lie in the table's folder that its newest version does not hold.

    VACUUM finds that out with a dozen Spark jobs, which for a small table take seconds as well.
    """
    needed = {unquote(row["path"].rpartition("/")[2]) for row in lake.files(table).select("path").collect()}
    return any(
        file.modified < before.timestamp() and file.name not in needed
        for file in storage.walk_files(lake.spark, lake.path(table))
        if _LOG not in file.path
    )


def kept_time(days: int, unread_since: dt.datetime | None, now: dt.datetime) -> dt.timedelta:
    """For how long files are kept: the days promised, or since a reader of the change feed last read.

    `unread_since` is the time of the first commit that the reader has not read, if there is one.
    """
    promised = dt.timedelta(days=days)
    if unread_since is None:
        return promised
    # An hour more: commit times are those of the writers' clocks.
    return max(promised, now - unread_since + dt.timedelta(hours=1))
