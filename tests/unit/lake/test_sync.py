"""What sync makes of a table: the rows that are wanted, nulls and all, and nothing else."""

import dataclasses
import threading
from functools import partial
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


def test_writers_that_meet_at_one_table_all_get_through(lake: Lake) -> None:
    """Delta refuses all of them but the first, in whose commit the others might have had a part."""
    writers = [Lake(lake.spark.newSession(), lake.root) for _ in range(3)]
    sync(lake, *((str(number), "x", 0) for number in range(len(writers))))
    together = threading.Barrier(len(writers))

    def write(number: int, salary: int) -> Synced:
        each = writers[number]
        rows = each.spark.createDataFrame([(str(number), "x", salary)], TABLE.schema).localCheckpoint()
        scope = each.read(TABLE).where(f"id = '{number}'")
        together.wait()
        return each.sync(TABLE, rows, scope)

    for salary in (1, 2, 3):
        done = lake.together(*(partial(write, number, salary) for number in range(len(writers))))
        assert done == [Synced(updated=1)] * len(writers)
    assert {row["salary"] for row in lake.read(TABLE).collect()} == {3}


def test_a_table_is_made_where_its_first_creator_was_killed(lake: Lake) -> None:
    """Between making the folder of the log and the first commit: Delta's own statement fails there."""
    table = dataclasses.replace(TABLE, partition_by=("place",))
    Path(lake.path(table), "_delta_log").mkdir(parents=True)
    lake.create(table)
    detail = lake.spark.sql(f"DESCRIBE DETAIL {lake.sql_name(table)}").collect()[0]
    assert (detail["description"], detail["partitionColumns"]) == (table.description, ["place"])
    assert table.properties.items() <= detail["properties"].items()
    assert lake.read(table).schema == table.schema


def test_several_creators_make_one_table(lake: Lake) -> None:
    others = [Lake(lake.spark.newSession(), lake.root) for _ in range(4)]
    for number in range(3):
        table = dataclasses.replace(TABLE, name=f"made{number}")
        together = threading.Barrier(len(others))

        def create(each: Lake, table: Table = table, together: threading.Barrier = together) -> None:
            together.wait()
            each.create(table)

        lake.together(*(partial(create, each) for each in others))
        assert lake.exists(table) and lake.read(table).isEmpty()
