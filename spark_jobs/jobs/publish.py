"""Makes new contents of many tables live: one commit a table, marked before the first and after the last.

The run's row in the ledger, with the versions that belong together, is what publishes them.
"""

from collections.abc import Callable, Mapping, Sequence

from spark_jobs.errors import JobError
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.unfinished import UNFINISHED, command, unfinished
from spark_jobs.lake.commits import moved_by_others
from spark_jobs.lake.lake import Differences


def publish(
    job: JobContext,
    changes: Sequence[Differences],
    begin: Mapping[str, str] | None = None,
    end: Mapping[str, str] | None = None,
    before_end: Callable[[], object] = lambda: None,
) -> None:
    """Merge the changes in their order, and note in the run which versions belong together.

    `begin` and `end` are properties of staging that are set with the mark and when it is removed;
    `before_end` is done just before that, so that no other job runs until it has been done. Where
    nothing differs, nothing is committed. Raises JobError where another job has changed one of the
    tables since the changes were computed.
    """
    lake, staging, end = job.lake, job.tables.staging, dict(end or {})
    pending = [change for change in changes if change.counts]
    # Also where nothing differs: the point would name versions that are not those compared.
    _check_unmoved(job, changes)
    if pending or unfinished(job) or any(lake.property(staging, n) != v for n, v in end.items()):
        lake.create(staging)
        mark = {UNFINISHED: command(job), **(begin or {})}
        if any(lake.property(staging, name) != value for name, value in mark.items()):
            lake.set_properties(staging, mark)
        _check_unmoved(job, [change for change in changes if change.table != staging])
        for change in pending:
            lake.commit(change)
        _check_unmoved(job, changes)
        before_end()
        lake.set_properties(staging, {**{name: "" for name in mark}, **end})
    job.run.rows.update(
        rows_added=sum(change.synced.inserted for change in changes),
        rows_changed=sum(change.synced.updated for change in changes),
        rows_removed=sum(change.synced.deleted for change in changes),
    )
    # As this run knows them, where it does: since the mark has gone another job may have changed a table.
    known = {c.table.name: lake.versions_written.get(c.table.name, c.version) for c in changes}
    job.run.point = {**job.versions(), **known}


def _check_unmoved(job: JobContext, changes: Sequence[Differences]) -> None:
    # By signature and not by version: another's commit may have come just before one of this run's own.
    for change in changes:
        if moved_by_others(job.lake, change.table, change.version, job.run.signature()):
            raise JobError(f"Another job has changed {change.table.name} in the meantime: run this again.")
