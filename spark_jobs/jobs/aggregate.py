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
from spark_jobs.lake.commits import moved_by_others
from spark_jobs.lake.lake import Synced
from spark_jobs.lake.tables import Table
from spark_jobs.ledger import points

_MOST_TRIES = 5
#: The columns of Silver that Gold is computed from.
SILVER_COLUMNS = ("employee_id", "season", "team_id", "league", "position", "salary", "age_on_july_1")


def aggregate(job: JobContext, full: bool = False) -> None:
    """Bring Gold up to Silver.

    Reads Silver's change feed since the version that the last finished run has seen, and computes
    every season anew in which a row changed, and the season after, whose movement depends on it.
    `full` computes all seasons, and counts the quality of all deliveries anew.
    Raises JobError where there is no Silver yet.
    """
    for _ in range(_MOST_TRIES):
        before = job.versions()
        if before[job.tables.current.name] < 0:
            raise JobError("There is no Silver yet: run load first.")
        _bring_up(job, before, full)
        # An aggregate that ran beside this one may have written what it made of an older Silver over
        # this one's rows, or this one over its: whoever ends last sees the other's commits.
        signature = job.run.signature()
        if not any(moved_by_others(job.lake, t, before[t.name], signature) for t, _ in GOLD):
            return
        full = True
    raise JobError("Other jobs kept changing Gold beside this one: run it again.")


def _bring_up(job: JobContext, before: dict[str, int], full: bool) -> None:
    silver = job.tables.current
    employments = job.lake.read(silver).where(~F.col("is_deleted"))
    with job.run.stage("read"):
        seasons = None if full else _changed_seasons(job, before)
        if seasons is not None:
            employments = _with_season_before(employments, seasons)
        # Kept, so that all four tables are computed from the same rows, read once.
        employments = employments.select(*SILVER_COLUMNS).localCheckpoint()
    unmoved = job.lake.version(silver) == before[silver.name]
    tables = GOLD if seasons != [] else ()
    tasks = [_refresher(job, table, compute, employments, seasons) for table, compute in tables]
    with job.run.stage("write"):
        *refreshed, quality = job.lake.together(*tasks, partial(refresh_quality, job, whole=full))
    changed = sum(synced.changed for synced in refreshed)
    if seasons is None:
        seasons = [row["season"] for row in employments.select("season").distinct().collect()]
    job.run.rows.update(
        seasons_computed=len(seasons), gold_rows_changed=changed, quality_rows_changed=quality.changed
    )
    # Which versions belong together: Silver as it was read, and Gold as it is. Silver that has moved
    # since `before` was noted may not be what was read: then the next run says it.
    gold = {table.name: job.lake.version(table) for table, _ in GOLD}
    job.run.point = {**before, **gold} if unmoved else None


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


def _changed_seasons(job: JobContext, before: dict[str, int]) -> list[int] | None:
    """The seasons to compute anew for Silver as it was before, or None for all of them."""
    silver, point = job.tables.current, _newest_point(job)
    since, now = (point or {}).get(silver.name), before[silver.name]
    if point is None or since is None or since > now:
        return None
    # What nobody has published since the point may be of any Silver: of a run that was killed, say.
    if any(moved_by_others(job.lake, table, point.get(table.name, -1)) for table, _ in GOLD):
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
    point = _newest_point(job)
    return point.get(job.tables.current.name) if point else None


def _newest_point(job: JobContext) -> dict[str, int] | None:
    done = points(job.lake, job.contract.dataset)
    return done.agg(F.max_by("point", "finished_at")).collect()[0][0]
