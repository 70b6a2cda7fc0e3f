"""Takes what has been deleted off the disk: marked rows out of their files, and old files whole."""

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from functools import partial

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import Table

_RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"
_APPEND_ONLY = "delta.appendOnly"


def purge(lake: Lake, tables: Sequence[Table], alone: bool) -> None:
    """Rewrite files that hold deleted rows, then delete every file that the newest version does not need.

    No older version of the tables can be read afterwards, and nothing of their change feeds. `alone` says
    that nobody else is writing: only then files that no commit ever named (of a job that was killed)
    go too, since another writer's files look the same until they are committed.
    """
    tasks = [partial(_purge, lake, table, alone) for table in tables if lake.exists(table)]
    if tasks:
        with lake.setting(_RETENTION_CHECK, "false"):
            lake.together(*tasks)


def _purge(lake: Lake, table: Table, alone: bool) -> None:
    with lake.committing(table):
        lake.spark.sql(f"REORG TABLE {lake.sql_name(table)} APPLY (PURGE)")
        lake.vacuum(table, dt.timedelta(0), lite=not alone)


@contextlib.contextmanager
def deletable(lake: Lake, table: Table) -> Iterator[None]:
    """Let rows of an append-only table be deleted or changed in between.

    Killed in between, the table stays so until the same is done again to its end.
    """
    if table.properties.get(_APPEND_ONLY) != "true" or not lake.exists(table):
        yield
        return
    _alter(lake, table, "false")
    try:
        yield
    finally:
        _alter(lake, table, "true")


def is_append_only(lake: Lake, table: Table) -> bool:
    """Whether a table is as append-only as it has been defined."""
    return lake.property(table, _APPEND_ONLY) == table.properties.get(_APPEND_ONLY)


def _alter(lake: Lake, table: Table, value: str) -> None:
    if lake.property(table, _APPEND_ONLY) != value:
        lake.set_properties(table, {_APPEND_ONLY: value})
