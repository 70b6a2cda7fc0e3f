"""What lies between two versions of a table, row by row."""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import MapType

from spark_jobs.lake.lake import Lake, Synced
from spark_jobs.lake.merging import ACTION
from spark_jobs.lake.tables import Table
from spark_jobs.sql import all_equal

ADDED, CHANGED, REMOVED = "added", "changed", "removed"
_NAMES = {"insert": ADDED, "update": CHANGED, "delete": REMOVED}


@dataclass(frozen=True)
class ChangedRow:
    """A row that differs: its key, the names of the columns that do, and values as text, old and new."""

    change: str
    key: dict[str, str | None]
    columns: tuple[str, ...]
    before: dict[str, str | None]
    after: dict[str, str | None]


@dataclass(frozen=True)
class Diff:
    """How many rows differ, and some of them, in the order of their keys."""

    counts: Synced
    rows: tuple[ChangedRow, ...]


def diff(lake: Lake, table: Table, first: int, last: int, shown: Collection[str], limit: int) -> Diff:
    """What has to be done to the table at version `first` to make it what it is at `last`.

    Only the key and the columns in `shown` are read as values; of all others it is only told whether they
    differ. At most `limit` rows are told one by one.
    """
    # Spark cannot compare maps.
    comparable = _without_maps(table)
    before = _as_text_maps(lake.read(table, first), table)
    after = _as_text_maps(lake.read(table, last), table)
    differences = lake.compare(comparable, after, before)
    sample = differences.rows.orderBy(*table.key).limit(limit)
    told = _told(sample, before, comparable, [n for n in table.schema.names if n in shown])
    return Diff(differences.synced, tuple(_changed_row(row, table) for row in told.collect()))


def _told(sample: DataFrame, before: DataFrame, table: Table, shown: list[str]) -> DataFrame:
    rest = [name for name in table.schema.names if name not in table.key]
    joined = sample.alias("new").join(
        before.alias("old"), on=F.expr(all_equal("new", "old", table.key)), how="left"
    )
    differing = ", ".join(f"CASE WHEN NOT (new.{n} <=> old.{n}) THEN '{n}' END" for n in rest)
    key = ", ".join(f"'{n}', CAST(new.{n} AS string)" for n in table.key)
    return joined.orderBy(*(f"new.{name}" for name in table.key)).selectExpr(
        f"new.{ACTION} AS change",
        f"named_struct({key}) AS key",
        f"array_compact(array({differing})) AS columns",
        f"{_values('old', shown)} AS before",
        f"{_values('new', shown)} AS after",
    )


def _values(side: str, shown: list[str]) -> str:
    pairs = ", ".join(f"'{name}', CAST({side}.{name} AS string)" for name in shown)
    return f"named_struct({pairs})" if shown else "CAST(NULL AS struct<nothing:string>)"


def _changed_row(row: Any, table: Table) -> ChangedRow:
    change = _NAMES[row["change"]]
    columns = row["columns"] if change == CHANGED else []
    before, after = (row[side].asDict() if row[side] else {} for side in ("before", "after"))
    before = {} if change == ADDED else before
    after = {} if change == REMOVED else after
    return ChangedRow(change, row["key"].asDict(), tuple(columns), before, after)


def _without_maps(table: Table) -> Table:
    columns = (
        f"{field.name} {'string' if isinstance(field.dataType, MapType) else field.dataType.simpleString()}"
        for field in table.schema
    )
    return dataclasses.replace(table, columns=", ".join(columns))


def _as_text_maps(rows: DataFrame, table: Table) -> DataFrame:
    return rows.selectExpr(
        *(
            f"to_json({field.name}) AS {field.name}" if isinstance(field.dataType, MapType) else field.name
            for field in table.schema
        )
    )
