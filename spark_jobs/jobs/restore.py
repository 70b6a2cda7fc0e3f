"""restore: Silver, Gold and what they come from, together back to a consistent point of the ledger."""

import datetime as dt
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import UsageError
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.erasures import apply_erasures
from spark_jobs.jobs.points import Point, point_at, point_of_version, read_points
from spark_jobs.jobs.publish import publish
from spark_jobs.jobs.quality import refresh_quality, tell, told_at
from spark_jobs.jobs.reprocess import Comparison, comparison, other_bronze
from spark_jobs.lake.tables import LOADS, Table
from spark_jobs.lake.travel import check_reachable, stamp
from spark_jobs.privacy.pseudonyms import KEY_PROPERTY


def restore(
    job: JobContext,
    version: int | None = None,
    as_of: dt.datetime | None = None,
    dry_run: bool = False,
) -> list[Comparison]:
    """Bring the published tables back to the point of a version of Silver, or the newest as of a time.

    Whoever has been erased since does not come back with them. `dry_run` only compares: that is what it
    returns, empty otherwise.

    Raises UsageError for what is no point, for one of which a table can no longer be read, and for one
    whose pseudonyms were made under another key.
    """
    point = _choose(job, version, as_of)
    wanted = [(table, point.versions[table.name]) for table in job.published]
    check_reachable(job.lake, wanted, lambda: other_bronze(job.lake, job.tables.bronze))
    _check_pseudonyms(job, point)
    target = f"the point of Silver's version {point}"
    compare = job.lake.compare
    changes = job.lake.together(
        *(
            partial(compare, table, _of_dataset(job, table, number), _of_dataset(job, table))
            for table, number in wanted
        )
    )
    if dry_run:
        job.run.parameters["dry_run"] = "True"
        job.run.notes.append(f"Compared with {target}: nothing was changed.")
        return job.lake.together(*(partial(comparison, job, change) for change in changes))
    job.run.notes.append(f"Back to {target}.")
    tell(job, told_at(job, point.versions[job.tables.staging.name]))
    publish(job, changes, before_end=partial(apply_erasures, job))
    refresh_quality(job)
    return []


def _choose(job: JobContext, version: int | None, as_of: dt.datetime | None) -> Point:
    if (version is None) == (as_of is None):
        raise UsageError("Give either --to-version or --as-of.")
    known = read_points(job.lake, job.contract)
    if not known:
        raise UsageError("The ledger has no consistent point yet: there is one after each aggregate.")
    if as_of is None:
        job.run.parameters["to_version"] = str(version)
        return point_of_version(known, int(version or 0))
    job.run.parameters["as_of"] = as_of.isoformat()
    if as_of > job.run.started_at:
        raise UsageError(f"{stamp(as_of)} is in the future.")
    return point_at(known, as_of)


def _check_pseudonyms(job: JobContext, point: Point) -> None:
    staging = job.tables.staging
    now = job.lake.property(staging, KEY_PROPERTY)
    if job.lake.property(staging, KEY_PROPERTY, point.versions[staging.name]) != now:
        raise UsageError(
            f"The pseudonyms of the point {point} were made under another key than today's, and old and "
            "new ones must not mix; rebuild it from Bronze instead "
            f"(spark-jobs reprocess --bronze-as-of {stamp(point.at)}). Nothing was changed."
        )


def _of_dataset(job: JobContext, table: Table, version: int | None = None) -> DataFrame:
    rows = job.lake.read(table, version)
    # The one published table in which several datasets stand.
    return rows.where(F.col("dataset") == job.contract.dataset) if table == LOADS else rows
