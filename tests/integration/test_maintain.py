"""maintain: fewer files, the same rows, older versions as promised, and no load disturbed."""

import datetime as dt
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyspark import inheritable_thread_target

from spark_jobs.jobs.maintain import maintain
from spark_jobs.jobs.runner import run_job
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.upkeep import kept_time, size_of, untidy, vacuum
from spark_jobs.ledger import Run
from tests.lakes import DAY, TestLake, csv_of, employment

DAYS = [DAY + dt.timedelta(days=n) for n in range(3)]
#: What `untidy` reads of Delta's AddFile entries.
ADDED = (
    "partitionValues map<string,string>, size bigint, stats string, "
    "deletionVector struct<cardinality:bigint>"
)
NOW = dt.datetime(2023, 11, 30, tzinfo=dt.UTC)


def delivered(lake: TestLake, day: dt.date) -> None:
    """Four people; each day one of them is new, and the others are paid more."""
    number = (day - DAY).days
    when = f"2014-{4 + number:02}-01T00:00:00Z"
    people = [f"person{n:02}" for n in range(number, number + 4)]
    rows = [employment(employee_id=person, salary=str(1000 + number), updated_at=when) for person in people]
    lake.deliver(csv_of(*rows), day=day)


@pytest.fixture(scope="module")
def loaded(module_lake: Callable[..., TestLake]) -> TestLake:
    lake = module_lake()
    for day in DAYS[:2]:
        delivered(lake, day)
        lake.succeed(day=day)
    return lake


@pytest.fixture
def lake(loaded: TestLake, tmp_path: Path) -> TestLake:
    return loaded.copy_to(tmp_path)


def maintained(lake: TestLake) -> Run:
    session = lake.spark.newSession()
    return run_job(session, lake.settings, lake.contract, "maintain", None, maintain)


def test_files_become_few_and_rows_stay(lake: TestLake) -> None:
    before = lake.content()
    history = lake.tables.history
    assert size_of(lake.lake, history).files > 1

    run = maintained(lake)

    assert run.error is None
    assert size_of(lake.lake, history).files == 1
    assert run.rows["files_after"] < run.rows["files_before"]
    assert any(note.startswith("silver/employee_history: ") for note in run.notes)
    assert lake.content() == before
    old = lake.spark.read.format("delta").option("versionAsOf", 1).load(lake.lake.path(history))
    assert old.count() == 4

    versions = lake.versions()
    assert maintained(lake).error is None
    assert lake.versions() == versions


def test_a_load_beside_it_is_not_disturbed(
    lake: TestLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = lake.copy_to(tmp_path / "alone")
    for each in (alone, lake):
        delivered(each, DAYS[2])
        each.succeed("ingest", "etl", day=DAYS[2])
    alone.succeed("load", "aggregate", day=DAYS[2])
    maintenances: list[Run] = []
    merge = Lake._sync_once

    def interrupted(self: Lake, *arguments):
        """Compacts everything between a load's first look at Silver and its commit."""
        if self.root == lake.settings.lake_root and not maintenances:
            maintenances.append(Run("maintain", "employees", "", None, NOW))
            with ThreadPoolExecutor(1) as beside:
                maintenances[0] = beside.submit(
                    inheritable_thread_target(lake.spark)(lambda: maintained(lake))
                ).result()
        return merge(self, *arguments)

    monkeypatch.setattr(Lake, "_sync_once", interrupted)
    lake.succeed("load", "aggregate", day=DAYS[2])
    assert maintenances[0].error is None
    assert lake.content() == alone.content()


def test_old_files_go_and_what_is_promised_stays(lake: TestLake) -> None:
    current = lake.tables.current
    maintained(lake)
    stored = size_of(lake.lake, current).stored_files
    vacuum(lake.lake, current, dt.timedelta(days=30), 30)
    assert size_of(lake.lake, current).stored_files == stored
    assert lake.lake.property(current, "delta.logRetentionDuration") == "interval 30 days"
    vacuum(lake.lake, current, dt.timedelta(0), 0)
    assert size_of(lake.lake, current).stored_files < stored
    assert len(lake.silver()) == 5


def test_what_aggregate_has_not_read_is_kept() -> None:
    assert kept_time(30, None, NOW) == dt.timedelta(days=30)
    assert kept_time(30, NOW - dt.timedelta(days=1), NOW) == dt.timedelta(days=30)
    assert kept_time(30, NOW - dt.timedelta(days=90), NOW) == dt.timedelta(days=90, hours=1)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([(10, 100, 0)], 0),
        ([(10, 100, 0), (10, 100, 0)], 1),
        ([(10, 100, 6)], 1),
        ([(10, 100, 5)], 0),
        ([(10, None, 0)], 1),
        ([(10**9, 100, 0), (10**9, 100, 0), (10, 100, 0)], 0),
    ],
    ids=["one", "two small", "half deleted", "few deleted", "unmeasured", "large and one small"],
)
def test_which_partitions_are_written_again(spark, files: list[tuple], expected: int) -> None:
    rows = [
        ({"season": "2014"}, size, None if number is None else f'{{"numRecords":{number}}}', (deleted,))
        for size, number, deleted in files
    ]
    assert untidy(spark.createDataFrame(rows, ADDED)).count() == expected


@pytest.mark.parametrize(
    ("seasons", "expected"),
    [
        ([(2001, 2004), (2004, 2009), (2009, 2009), (2009, 2010)], 0),
        ([(2001, 2004), (2003, 2009)], 1),
        ([(2001, 2009), (2002, 2003), (2004, 2005)], 1),
    ],
    ids=["one after the other", "overlapping", "within another"],
)
def test_large_files_are_written_again_where_they_are_not_sorted(
    spark, seasons: list[tuple[int, int]], expected: int
) -> None:
    rows = [
        (
            {"_delivery_date": str(DAY)},
            10**9,
            json.dumps({"numRecords": 9, "minValues": {"season": least}, "maxValues": {"season": most}}),
            (0,),
        )
        for least, most in reversed(seasons)
    ]
    files = spark.createDataFrame(rows, ADDED)
    assert untidy(files, "season").count() == expected
    assert untidy(files).count() == 0


def test_staged_rows_lie_in_the_order_of_their_seasons(lake: TestLake) -> None:
    staging = lake.tables.staging
    rows = [employment(employee_id=f"person{n:02}", season=str(2004 + n * 7 % 10)) for n in range(10)]
    lake.deliver(csv_of(*rows), name="b.csv", day=DAYS[1])
    lake.succeed("ingest", "etl", day=DAYS[1])

    assert maintained(lake).error is None

    (file,) = lake.lake.files(staging).where(f"partitionValues._delivery_date = '{DAYS[1]}'").collect()
    stored = lake.spark.read.parquet(f"{lake.lake.path(staging)}/{file['path']}").collect()
    seasons = [row["season"] for row in stored]
    assert len(seasons) > 10 and seasons == sorted(seasons)
