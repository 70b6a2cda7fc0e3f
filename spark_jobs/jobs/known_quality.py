"""Which deliveries' quality is known already: of those before the first one that has changed since."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.gold.data_quality_daily import LOADED, REFUSED, TABLE
from spark_jobs.jobs.context import JobContext
from spark_jobs.lake.commits import changed_partitions, moved_by_others
from spark_jobs.ledger import signature_of, succeeded


def known_quality(job: JobContext, loaded: Collection[dt.date]) -> dict[dt.date, dict[str, Any]]:
    """The rows of gold/data_quality_daily that need not be counted again, by delivery.

    A delivery's figures follow from its own rows in staging and quarantine, and (which are late) from
    those of the loaded deliveries before it. So they hold until one of these changes: the commits since
    say in which deliveries. One that is refused whole is no such row, since it does not tell what is
    staged of it. Where it is not known since when the table's rows hold, there are none, and where all is
    counted sooner than that is found out.
    """
    seen = None if _is_counted_soon(job) else _seen_versions(job)
    if seen is None:
        return {}
    changed = set[dt.date]()
    for table in (job.tables.staging, job.tables.quarantine):
        # The run notes the version that it reads first: what is committed from now on is seen by the next.
        job.lake.read(table)
        dates = changed_partitions(job.lake, table, seen.get(table.name, -1))
        if dates is None:
            return {}
        changed |= {dt.date.fromisoformat(date) for date in dates}
    rows = {row["delivery_date"]: row.asDict() for row in job.lake.read(TABLE).collect()}
    changed |= {date for date in {*rows, *loaded} if _was_loaded(rows.get(date)) != (date in loaded)}
    return {
        date: row
        for date, row in rows.items()
        if row["status"] != REFUSED and all(date < other for other in changed)
    }


def _is_counted_soon(job: JobContext) -> bool:
    return job.lake.is_small(job.tables.staging)


def _was_loaded(row: dict[str, Any] | None) -> bool:
    return row is not None and row["status"] == LOADED


def _seen_versions(job: JobContext) -> dict[str, int] | None:
    """The versions that the last aggregate had read before it made the quality what it is.

    None where anybody else has written the table since that run first looked at it, which was before it
    counted: what it wrote may then have gone over newer rows.
    """
    runs = succeeded(job.lake, job.contract.dataset, "aggregate").where(
        # What another contract refused is told in other words.
        F.col("contract_version") == job.contract.version
    )
    last = F.max_by(F.struct("run_id", "job", "delivery_date", "versions_read"), "finished_at")
    found = runs.agg(last).collect()[0][0]
    if found is None:
        return None
    seen = found["versions_read"]
    own = signature_of(found["run_id"], found["job"], found["delivery_date"])
    return None if moved_by_others(job.lake, TABLE, seen.get(TABLE.name, -1), own) else seen
