"""The quality of deliveries that are counted where something has changed is that of a count of all."""

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest

from spark_jobs.gold.data_quality_daily import TABLE, data_quality_daily
from spark_jobs.jobs import quality
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.known_quality import known_quality
from spark_jobs.jobs.quality import refresh_quality
from spark_jobs.jobs.runner import run_job
from tests.lakes import TestLake, count_what_has_changed, csv_of, employment

pytestmark = pytest.mark.long
DAYS = [dt.date(2023, 10, day) for day in range(1, 7)]
STEPS = 8


def delivery(draw: random.Random) -> str:
    """Few people and times, so that rows come late, again and against each other; some are refused."""
    few_good = draw.random() < 0.2
    people = draw.sample(range(9), draw.randint(2, 6))
    rows = [
        employment(
            employee_id=f"person{number}",
            season=str(draw.choice([2014, 2015])),
            ssn=f"90000{draw.choice([number] * 5 + [11]):04}",
            salary=str(draw.choice([-1] if few_good else [500_000, 500_000, 600_000, -1])),
            updated_at=f"2014-04-0{draw.randint(1, 4)}T09:00:00Z",
        )
        for number in people
    ]
    return csv_of(*rows, *rows[:1])


def step(lake: TestLake, draw: random.Random) -> None:
    """Deliver a day, again or for the first time, and bring it as far as chance will have it."""
    day = draw.choice(DAYS)
    lake.deliver(delivery(draw), day=day)
    runs = lake.run(*("ingest", "etl", "load")[: draw.choice([2, 3, 3, 3])], day=day)
    assert {run.exit_code for run in runs.values()} <= {0, 3}, [run.error for run in runs.values()]


def counted_whole(lake: TestLake) -> Any:
    """What a count of all deliveries changes."""
    changed = []

    def count(job: JobContext) -> None:
        changed.append(refresh_quality(job, whole=True).changed)

    run = run_job(lake.spark, lake.settings, lake.contract, "count", None, count)
    assert run.error is None
    return changed


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many deliveries each refresh knew the quality, in a lake that counts as large."""
    seen: list[int] = []

    def known(job: JobContext, loaded: set[dt.date]) -> dict[dt.date, dict[str, Any]]:
        found = known_quality(job, loaded)
        seen.append(len(found))
        return found

    monkeypatch.setattr(quality, "known_quality", known)
    count_what_has_changed(monkeypatch)
    return seen


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_delivered_in_whatever_order(
    new_lake: Callable[..., TestLake], kept: list[int], seed: int
) -> None:
    lake, draw = new_lake(quarantine_limit=0.6), random.Random(seed)
    step(lake, draw)
    for _ in range(STEPS):
        step(lake, draw)
        if draw.random() < 0.7:
            lake.succeed("aggregate")
            assert counted_whole(lake) == [0]
    assert any(kept)  # else all was counted each time, and this test says nothing


def test_the_days_of_a_week_are_counted_once(new_lake: Callable[..., TestLake], kept: list[int]) -> None:
    lake = new_lake()
    for number, day in enumerate(DAYS):
        lake.deliver(csv_of(employment(season=str(2010 + number))), day=day)
        lake.succeed(day=day)
    assert kept == [0, 1, 2, 3, 4, 5]
    lake.succeed("aggregate")
    assert kept[-1] == len(DAYS)
    # Whoever has changed the table meanwhile may have made of it what an older lake was.
    lake.spark.sql(f"UPDATE {lake.lake.sql_name(TABLE)} SET rows_late = 7")
    lake.succeed("aggregate")
    assert kept[-1] == 0
    assert {row["rows_late"] for row in lake.read(TABLE).collect()} == {0}


def test_what_another_has_written_while_a_run_counted_is_counted_again(
    new_lake: Callable[..., TestLake], kept: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = new_lake()
    lake.deliver(csv_of(employment()))
    lake.succeed()

    def meanwhile(*arguments: Any) -> Any:
        # In a session of its own, as in a process of its own: not signed by the run that counts.
        lake.spark.newSession().sql(f"UPDATE {lake.lake.sql_name(TABLE)} SET rows_late = 7")
        return data_quality_daily(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(quality, "data_quality_daily", meanwhile)
        lake.deliver(csv_of(employment(season="2015")), day=DAYS[1])
        lake.succeed(day=DAYS[1])
    # What that run has written over may have been of a newer lake than it has counted.
    lake.succeed("aggregate")
    assert kept[-1] == 0


def test_what_is_late_follows_the_deliveries_before(
    new_lake: Callable[..., TestLake], kept: list[int]
) -> None:
    lake = new_lake()
    lake.deliver(csv_of(employment(), employment(season="2015")))
    lake.deliver(csv_of(employment(updated_at="2014-03-01T09:00:00Z")), day=DAYS[1])
    for day in DAYS[:2]:
        lake.succeed(day=day)
    assert [row["rows_late"] for row in lake.read(TABLE).orderBy("delivery_date").collect()] == [0, 1]
    # Nothing of the second delivery changes, but the first has become older than it.
    lake.deliver(csv_of(employment(updated_at="2014-02-01T09:00:00Z"), employment(season="2015")))
    lake.succeed()
    assert [row["rows_late"] for row in lake.read(TABLE).orderBy("delivery_date").collect()] == [0, 0]
    assert counted_whole(lake) == [0]
