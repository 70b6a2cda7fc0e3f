"""load: the staged batch → Silver. Each key's newest version, its history, and who is who."""

import datetime as dt
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import JobError
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.delivered import bronze_as_decided
from spark_jobs.jobs.known import known_of_people
from spark_jobs.jobs.unusual import check_usual
from spark_jobs.lake.commits import moved_by_others
from spark_jobs.lake.joins import matching
from spark_jobs.lake.lake import Synced, is_large
from spark_jobs.lake.tables import LOADS, Table, identity_columns
from spark_jobs.ledger import check_conservation, points, succeeded
from spark_jobs.quarantine.refused import OPEN, refused_rows, settled
from spark_jobs.silver.versions import (
    CURRENT,
    HELD,
    PAST,
    REPEATED,
    UNCHANGED,
    believed_rows,
    current_rows,
    history_rows,
    identity_rows,
    resolve_versions,
)
from spark_jobs.usual import Passed

_MOST_TRIES = 5
#: Jobs after which a delivery that they took out of staging must be staged again.
TAKES_BACK = ("restore", "reprocess")


def load(job: JobContext, passed: Passed | None = None) -> None:
    """Bring Silver to what all loaded deliveries say together, for the people of this delivery.

    Raises JobError where the delivery has not been staged, and BadDelivery where it is very unlike those
    before it and nobody has let it pass.
    """
    with job.run.stage("read"):
        staged = _staged(job)
        rows = staged.count
        if not rows:
            _check_staged(job)
    check_usual(job, loaded_dates(job), passed)
    # An empty Silver where no row gets into it: whoever aggregates then has not forgotten to load.
    job.lake.create(job.tables.current)
    job.lake.create(LOADS)
    keys = staged.rows.select(*job.contract.key)
    for _ in range(_MOST_TRIES):
        number = job.lake.next_number(LOADS, _application(job))
        seen, loaded = job.lake.version(LOADS), loaded_dates(job)
        if job.date not in loaded:
            _mark_loaded(job, number)
            seen, loaded = seen + 1, sorted([*loaded, job.date])
        with job.lake.for_batch(rows):
            touched = _publish(job, staged, keys, rows, loaded)
        # A load that ran beside this one may have read the batches without this one, or this one
        # without it: whoever ends last has marked and seen both, and publishes again. So it does where
        # a loaded delivery was staged anew meanwhile (by a recovery), which leaves no new mark.
        if job.lake.version(LOADS) == seen and not _staged_anew(job, staged.version, loaded):
            return
        staged = _staged(job)
        # Those that were touched before, too: an erasure leaves no sign of the rows that it takes away.
        keys = touched.union(staged.rows.select(*job.contract.key)).distinct().localCheckpoint()
    raise JobError(f"Other loads kept running beside that of {job.date}: run it again.")


@dataclass(frozen=True)
class _Staged:
    """The delivery's staged rows, how many they are (all, and those not retracted), and staging's version
    before they were read."""

    version: int
    rows: DataFrame
    count: int
    stating: int


def _staged(job: JobContext) -> _Staged:
    staging = job.tables.staging
    version = job.lake.version(staging)
    rows = job.lake.read(staging).where(F.col("_delivery_date") == job.date).localCheckpoint()
    counted = {row["_retracted"]: row["count"] for row in rows.groupBy("_retracted").count().collect()}
    return _Staged(version, rows, sum(counted.values()), counted.get(False, 0))


def _staged_anew(job: JobContext, since: int, loaded: list[dt.date]) -> bool:
    """Whether another run has changed the staged rows of a loaded delivery."""
    signature, days = job.run.signature(), map(str, loaded)
    return moved_by_others(job.lake, job.tables.staging, since, signature, days)


def _check_staged(job: JobContext) -> None:
    lake, dataset = job.lake, job.contract.dataset
    staged = succeeded(lake, dataset, "etl").where(F.col("delivery_date") == job.date)
    # A restore takes back what was staged after the point that it goes back to.
    gone_back = points(lake, dataset).where(F.col("job").isin(*TAKES_BACK))
    taken_back = gone_back.agg(F.max("started_at").alias("at"))
    valid = staged.join(F.broadcast(taken_back), F.expr("at IS NULL OR started_at > at"), "left_semi")
    if valid.isEmpty():
        raise JobError(f"The delivery of {job.date} has not been staged: run etl for it first.")


def loaded_dates(job: JobContext) -> list[dt.date]:
    """The deliveries that Silver is made of."""
    rows = job.lake.read(LOADS).where(F.col("dataset") == job.contract.dataset).collect()
    return sorted({row["_delivery_date"] for row in rows})


def _application(job: JobContext) -> str:
    return f"load/{job.contract.dataset}/{job.date}"


def _mark_loaded(job: JobContext, number: int) -> None:
    """Mark this delivery as loaded, before Silver changes: once, whoever else is loading it."""
    mark = job.spark.createDataFrame([(job.contract.dataset, job.date)], LOADS.schema)
    job.lake.append(LOADS, mark.coalesce(1), (_application(job), number))


@dataclass(frozen=True)
class _Batch:
    """The versions of the delivery's keys or of all of its people's, and what of them may change anything.

    `others` are the rows of the people's other keys that tell who they are, where `versions` has not got
    them; `touched` are the keys whose rows in Silver may have to change, in `partitions`; `days` the
    deliveries of which rows may have to come into the quarantine, or out of it.
    """

    versions: DataFrame
    others: DataFrame | None
    touched: DataFrame
    partitions: list
    days: list[dt.date]


def _publish(
    job: JobContext, staged: _Staged, keys: DataFrame, rows: int, loaded: list[dt.date]
) -> DataFrame:
    """Bring Silver to what the loaded deliveries say of some keys' people; the keys that were looked at."""
    with job.run.stage("resolve"):
        batch = _resolve(job, keys, rows, loaded)
        _count(job, staged.stating, batch.versions)
    tables, contract = job.tables, job.contract
    with job.run.stage("write"):
        *_, synced = job.lake.together(
            lambda: _sync_identities(job, batch),
            lambda: _sync_keys(job, tables.history, history_rows(batch.versions, contract), batch),
            lambda: _quarantine(job, batch),
            lambda: _sync_keys(job, tables.current, current_rows(batch.versions, contract), batch),
        )
    job.run.rows.update(
        silver_inserted=synced.inserted,
        silver_updated=synced.updated,
        silver_deleted=synced.deleted,
    )
    return batch.touched


def _sync_identities(job: JobContext, batch: _Batch) -> Synced:
    table, person = job.tables.identity, [job.contract.person]
    columns = identity_columns(job.contract)
    identities = identity_rows(batch.versions, job.contract, columns, batch.others)
    return job.lake.sync(table, identities, matching(job.lake.read(table), batch.touched, person))


def _resolve(job: JobContext, keys: DataFrame, rows: int, loaded: list[dt.date]) -> _Batch:
    contract = job.contract
    # Later deliveries may have to give way to this one, in any of their people's keys; earlier ones stand.
    newest = loaded[-1] <= job.date
    known = known_of_people(job, keys, rows, F.col("_delivery_date").isin(loaded), all_keys=not newest)
    if is_large(rows):
        known = known.kept()
    refused, others = known.refused(job), None
    if known.others is not None:
        refused = refused.localCheckpoint()
        others = believed_rows(known.others, refused, contract)
    versions = resolve_versions(known.rows, contract, refused).localCheckpoint()
    touched, days = keys, [job.date]
    if not newest:
        touched, days = touched.union(versions.select(*contract.key)), loaded
        touched = touched.distinct().localCheckpoint()
    partitions = [row[0] for row in touched.select(contract.partition).distinct().collect()]
    return _Batch(versions, others, touched, partitions, days)


def _sync_keys(job: JobContext, table: Table, rows: DataFrame, batch: _Batch) -> Synced:
    """Sync the rows of the touched keys; literal partitions keep untouched files out of the scan."""
    key = list(job.contract.key)
    present = job.lake.read(table).where(F.col(job.contract.partition).isin(batch.partitions))
    return job.lake.sync(table, matching(rows, batch.touched, key), matching(present, batch.touched, key))


def _count(job: JobContext, rows_in: int, versions: DataFrame) -> None:
    """What became of the delivery's own rows; the law of conservation is asserted."""
    ours = versions.where(F.col("_delivery_date") == job.date)
    counted = {row["_version"]: row["count"] for row in ours.groupBy("_version").count().collect()}
    outcomes = {
        "current": counted.get(CURRENT, 0),
        "late": counted.get(PAST, 0),
        "unchanged": counted.get(UNCHANGED, 0),
        "repeated": counted.get(REPEATED, 0),
        "quarantined": counted.get(HELD, 0),
    }
    job.run.rows.update(rows_in=rows_in, **outcomes)
    check_conservation(job.run.job, rows_in, outcomes)


def _quarantine(job: JobContext, batch: _Batch) -> Synced:
    """Quarantine the rows that another delivery contradicts, and settle those it no longer does."""
    table, of_days = job.tables.quarantine, F.col("_delivery_date").isin(batch.days)
    judged = batch.versions.where(of_days)
    present = matching(job.lake.read(table).where(of_days), judged, table.key)
    held = judged.where(F.col("_version") == HELD).select(
        "_row_id", "_reasons", "_delivery_date", F.lit(False).alias("_rejected")
    )
    if held.isEmpty() and present.where(F.col("state") == OPEN).isEmpty():
        return Synced()
    dates = [row[0] for row in held.select("_delivery_date").distinct().collect()]
    rows = refused_rows(held, bronze_as_decided(job, dates), job.contract)
    nothing = judged.limit(0)
    return job.lake.sync(table, settled(present, rows, nothing), present)
