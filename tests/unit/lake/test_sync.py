"""What sync makes of a table: the rows that are wanted, nulls and all, and nothing else."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.lake.lake import Lake, Synced
from spark_jobs.lake.tables import Table

TABLE = Table("people", "For this test.", "id string, place string, salary int", key=("id", "place"))
Row = tuple[str | None, str | None, int | None]


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path))


def sync(lake: Lake, *wanted: Row) -> Synced:
    rows = lake.spark.createDataFrame(list(wanted), TABLE.schema)
    synced = lake.sync(TABLE, rows, lake.read(TABLE))
    assert {tuple(row) for row in lake.read(TABLE).collect()} == set(wanted)
    return synced


def test_a_null_is_a_value_like_any_other(lake: Lake) -> None:
    assert sync(lake, ("a", None, 1), ("a", "x", None), ("b", None, None)) == Synced(inserted=3)
    assert sync(lake, ("a", None, 1), ("a", "x", None), ("b", None, None)) == Synced()
    assert sync(lake, ("a", None, None), ("a", "x", 2), ("b", None, None)) == Synced(updated=2)
    assert sync(lake, ("a", "x", 2)) == Synced(deleted=2)


def test_what_lies_outside_the_scope_stays(lake: Lake) -> None:
    sync(lake, ("a", "x", 1), ("b", "x", 1))
    nothing = lake.empty(TABLE.schema)
    assert lake.sync(TABLE, nothing, lake.read(TABLE).where("id = 'a'")) == Synced(deleted=1)
    assert [tuple(row) for row in lake.read(TABLE).collect()] == [("b", "x", 1)]


def test_of_two_writers_with_one_number_one_commits(lake: Lake) -> None:
    first = lake.spark.createDataFrame([("a", "x", 1)], TABLE.schema)
    second = lake.spark.createDataFrame([("b", "x", 1)], TABLE.schema)
    lake.append(TABLE, first, ("for this test", 1))
    lake.append(TABLE, second, ("for this test", 1))
    assert [row["id"] for row in lake.read(TABLE).collect()] == ["a"]
    lake.append(TABLE, second, ("for this test", 2))
    assert lake.read(TABLE).count() == 2
