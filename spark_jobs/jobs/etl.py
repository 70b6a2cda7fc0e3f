"""etl: Bronze → a staged batch. Typed, judged, and reduced to one row a key."""

from functools import partial

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from spark_jobs.errors import BadDelivery, JobError, UsageError
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.delivered import bronze_as_decided
from spark_jobs.jobs.known import known_of_people
from spark_jobs.jobs.quality import refresh_quality
from spark_jobs.lake.joins import without
from spark_jobs.lake.tables import MANIFEST
from spark_jobs.ledger import check_conservation
from spark_jobs.privacy.pseudonyms import KEY_PROPERTY, key_id, load_key, pseudonymise
from spark_jobs.quarantine.refused import keep_reasons, refused_rows, settled
from spark_jobs.silver.batch import OUTCOMES, QUARANTINED, STAGED, SUPERSEDED, reduce_batch
from spark_jobs.silver.clean import clean
from spark_jobs.silver.rules import judge
from spark_jobs.silver.versions import HELD, hold_conflicts

_MOST_TRIES = 5


def etl(job: JobContext) -> None:
    """Stage the delivery's good rows and quarantine the refused ones.

    Raises JobError where the delivery has not been ingested, and BadDelivery where more of its rows
    are refused than the limit in the settings; then nothing is staged.
    """
    key = load_key(job.settings)
    check_key(job, key)
    for _ in range(_MOST_TRIES):
        decided_at = job.lake.version(job.tables.attempts)
        _stage_as_decided(job, key)
        # A recovery that ran beside this may have staged what people have decided meanwhile, and this
        # over it what was decided before: whoever ends last looks again.
        if job.lake.version(job.tables.attempts) == decided_at:
            return
    raise JobError(f"Recoveries kept deciding on rows beside etl of {job.date}: run it again.")


def _stage_as_decided(job: JobContext, key: bytes) -> None:
    with job.run.stage("read"):
        bronze = bronze_as_decided(job, [job.date]).localCheckpoint()
        rows_in = bronze.count()
    with job.run.stage("judge"):
        with job.lake.in_parts(rows_in):
            spread = job.lake.spread(bronze, rows_in, "_row_id")
            reduced = reduce_deliveries(job, spread, key).localCheckpoint()
        staged = staged_rows(job, reduced)
        found = reduced.groupBy("_outcome", "_rejected").count().collect()
        rows = sum(row["count"] for row in found if row["_outcome"] == STAGED)
        with job.lake.for_batch(rows):
            held = _held(job, staged, rows)
        counts = _count(job, rows_in, found, held)
    quarantine = partial(_quarantine, job, bronze, reduced, held)
    with job.run.stage("write"), job.lake.for_batch(rows):
        if too_many(job, counts[QUARANTINED], sum(counts.values())):
            quarantine()
            # No aggregate comes after it: people see at once what became of it.
            refresh_quality(job, BadDelivery.exit_code)
            raise _too_many(job, counts)
        job.lake.together(quarantine, partial(_stage, job, staged, key))


def reduce_deliveries(job: JobContext, bronze: DataFrame, key: bytes) -> DataFrame:
    """Bronze rows of one or more deliveries typed, judged and reduced: each with its `_outcome`."""
    typed = pseudonymise(judge(clean(bronze, job.contract), job.contract), job.contract, key)
    grouped = job.lake.grouped(typed, job.contract.person, source=job.tables.bronze)
    return reduce_batch(grouped, job.contract)


def staged_rows(job: JobContext, reduced: DataFrame) -> DataFrame:
    """The reduced rows that are to be staged."""
    good = reduced.where(F.col("_outcome") == STAGED).withColumn("_retracted", F.lit(False))
    return good.select(*job.tables.staging.schema.names)


def _stage(job: JobContext, staged: DataFrame, key: bytes) -> None:
    of_day = F.col("_delivery_date") == job.date
    present = job.lake.read(job.tables.staging).where(of_day).localCheckpoint()
    # A key that an earlier etl of this delivery staged and this one does not is kept as retracted,
    # so that load learns that Silver must forget it.
    gone = without(present, staged, job.tables.staging.key)
    wanted = staged.unionByName(gone.withColumn("_retracted", F.lit(True)))
    job.lake.sync(job.tables.staging, wanted, present, {KEY_PROPERTY: key_id(key)})


def check_key(job: JobContext, key: bytes) -> None:
    """Raise UsageError where the lake's pseudonyms were made under another key."""
    made_under = job.lake.property(job.tables.staging, KEY_PROPERTY)
    if made_under and made_under != key_id(key):
        raise UsageError(
            f"The pseudonyms in {job.lake.root} were made under another key ({made_under}): "
            "give that key, since old and new pseudonyms must not mix."
        )


def _held(job: JobContext, staged: DataFrame, rows: int) -> DataFrame | None:
    """The staged rows that contradict an earlier delivery, with `_reasons`; None if there are none."""
    earlier = known_of_people(job, staged, rows, F.col("_delivery_date") < job.date)
    refused = earlier.refused(job, staged)
    together = hold_conflicts(earlier.rows.unionByName(staged), job.contract, refused)
    ours = (F.col("_version") == HELD) & (F.col("_delivery_date") == job.date)
    held = together.where(ours).select("_row_id", "_reasons", F.lit(False).alias("_rejected"))
    held = held.localCheckpoint()
    return None if held.isEmpty() else held


def _count(job: JobContext, rows_in: int, rows: list[Row], held: DataFrame | None) -> dict[str, int]:
    """Rows by outcome, those that people have rejected apart; the law of conservation is asserted."""
    counts = {
        outcome: sum(row["count"] for row in rows if row["_outcome"] == outcome) for outcome in OUTCOMES
    }
    rejected = sum(row["count"] for row in rows if row["_rejected"] and row["_outcome"] == QUARANTINED)
    held_back = held.count() if held else 0
    counts[STAGED] -= held_back
    counts[QUARANTINED] += held_back
    if not rows_in:
        _check_ingested(job)
    # Before the law is asserted, so that the ledger says of a run that broke it which rows do not add up.
    job.run.rows.update(rows_in=rows_in, **counts, rejected=rejected)
    check_conservation(job.run.job, rows_in, counts)
    return {**counts, QUARANTINED: counts[QUARANTINED] - rejected}


def _check_ingested(job: JobContext) -> None:
    of_day = (F.col("dataset") == job.contract.dataset) & (F.col("_delivery_date") == job.date)
    if job.lake.read(MANIFEST).where(of_day).isEmpty():
        raise JobError(f"The delivery of {job.date} is not in Bronze: run ingest for it first.")


def _quarantine(job: JobContext, bronze: DataFrame, reduced: DataFrame, held: DataFrame | None) -> None:
    refused = reduced.where(F.col("_outcome") == QUARANTINED).select("_row_id", "_reasons", "_rejected")
    refused = refused.unionByName(held) if held else refused
    rows = refused_rows(refused, bronze, job.contract)
    of_day = (F.col("_delivery_date") == job.date) & (F.col("kind") == "row")
    present = job.lake.read(job.tables.quarantine).where(of_day).localCheckpoint()
    if job.lake.exists(job.tables.attempts):
        rows = keep_reasons(rows, present)
    superseded = reduced.where(F.col("_outcome") == SUPERSEDED)
    job.lake.sync(job.tables.quarantine, settled(present, rows, superseded), present)


def too_many(job: JobContext, refused: int, rows_in: int) -> bool:
    """Whether so many of a delivery's rows are refused that all of it is."""
    return refused > job.settings.quarantine_limit * rows_in


def _too_many(job: JobContext, counts: dict[str, int]) -> BadDelivery:
    return BadDelivery(
        f"{counts[QUARANTINED]} of the {sum(counts.values())} rows of the delivery of {job.date} are in "
        f"the quarantine, more than the limit of {job.settings.quarantine_limit:.0%}: nothing of it is "
        "staged. Mend and deliver it again, or raise MLB_QUARANTINE_LIMIT."
    )
