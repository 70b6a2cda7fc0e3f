"""aggregate: Silver → Gold. Only the seasons in which something changed are computed again."""

from collections.abc import Callable
from functools import partial

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import JobError
from spark_jobs.gold import GOLD
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.quality import refresh_quality
from spark_jobs.lake.lake import Synced
from spark_jobs.lake.tables import Table
from spark_jobs.ledger import points

#: The columns of Silver that Gold is computed from.
SILVER_COLUMNS = ("employee_id", "season", "team_id", "league", "position", "salary", "age_on_july_1")


def aggregate(job: JobContext, full: bool = False) -> None:
    """Bring Gold up to Silver.

    Reads Silver's change feed since the version that the last finished run has seen, and computes
    every season anew in which a row changed, and the season after, whose movement depends on it.
    `full` computes all seasons. The quality of the deliveries is always computed whole.
    Raises JobError where there is no Silver yet.
    """
    silver = job.tables.current
    before = job.versions()
    if before[silver.name] < 0:
        raise JobError("There is no Silver yet: run load first.")
    employments = job.lake.read(silver).where(~F.col("is_deleted"))
    with job.run.stage("read"):
        seasons = None if full else _changed_seasons(job, before[silver.name])
        if seasons is not None:
            employments = _with_season_before(employments, seasons)
        # Kept, so that all four tables are computed from the same rows, read once.
        employments = employments.select(*SILVER_COLUMNS).localCheckpoint()
    unmoved = job.lake.version(silver) == before[silver.name]
    tables = GOLD if seasons != [] else ()
    tasks = [_refresher(job, table, compute, employments, seasons) for table, compute in tables]
    with job.run.stage("write"):
        *refreshed, quality = job.lake.together(*tasks, partial(refresh_quality, job))
    changed = sum(synced.changed for synced in refreshed)
    if seasons is None:
        seasons = [row["season"] for row in employments.select("season").distinct().collect()]
    job.run.rows.update(
        seasons_computed=len(seasons), gold_rows_changed=changed, quality_rows_changed=quality.changed
    )
    # Which versions belong together: Silver as it was read, and Gold as it is. Silver that has moved
    # since `before` was noted may not be what was read: then the next run says it.
    if unmoved:
        job.run.point = {**before, **{table.name: job.lake.version(table) for table, _ in GOLD}}


def _refresher(
    job: JobContext,
    table: Table,
    compute: Callable[[DataFrame], DataFrame],
    employments: DataFrame,
    seasons: list[int] | None,
) -> Callable[[], Synced]:
    """What brings one table's rows of the seasons (None: of all) up to the employments."""

    def refresh() -> Synced:
        rows, present = compute(employments), job.lake.read(table)
        if seasons is not None:
            of_seasons = F.col("season").isin(seasons)
            rows, present = rows.where(of_seasons), present.where(of_seasons)
        return job.lake.sync(table, rows, present)

    return refresh


def _with_season_before(employments: DataFrame, seasons: list[int]) -> DataFrame:
    return employments.where(F.col("season").isin(sorted({*seasons, *(s - 1 for s in seasons)})))


def _changed_seasons(job: JobContext, now: int) -> list[int] | None:
    """The seasons to compute anew for Silver's version `now`, or None for all of them."""
    silver = job.tables.current
    since = seen_version(job)
    if since is None or since > now:
        return None
    if since == now:
        return []
    try:
        changes = job.lake.changes(silver, since).where(F.col("_commit_version") <= now)
        rows = changes.select("season").distinct().collect()
    except (PySparkException, Py4JJavaError) as error:
        if not _feed_is_gone(error):
            raise
        job.run.notes.append(
            f"The change feed of {silver.name} after version {since} is gone: Gold was rebuilt whole."
        )
        return None
    changed = {row["season"] for row in rows}
    return sorted(changed | {season + 1 for season in changed})


def _feed_is_gone(error: PySparkException | Py4JJavaError) -> bool:
    """Whether the error is that of a version out of the log, or of a file that VACUUM has deleted."""
    if isinstance(error, PySparkException):
        return "DELTA" in (error.getCondition() or "")
    return "[FAILED_READ_FILE.FILE_NOT_EXIST]" in str(error.java_exception)


def seen_version(job: JobContext) -> int | None:
    """The version of Silver that the last finished run has brought into Gold.

    From the ledger, whose row is written after the last Gold commit: a run that was killed before
    counts as none, and what it did is done again to the same end.
    """
    version = F.col("point").getItem(job.tables.current.name)
    done = points(job.lake, job.contract.dataset)
    return done.agg(F.max_by(version, "finished_at")).collect()[0][0]
