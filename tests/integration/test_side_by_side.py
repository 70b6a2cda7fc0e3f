"""Jobs beside each other, held at the moment that matters: what the simulation found, with the real jobs.

On S3 nothing keeps two drivers apart; here they are threads, or one runs in the middle of the other.
"""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from pyspark import inheritable_thread_target
from pyspark.sql import functions as F

import spark_jobs.jobs.aggregate
import spark_jobs.jobs.ingest
import spark_jobs.jobs.load
from spark_jobs.jobs.aggregate import aggregate
from spark_jobs.jobs.restore import restore
from spark_jobs.jobs.runner import run_job
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import LOADS
from tests.lakes import DAY, TestLake, csv_of, employment

NEXT_DAY = DAY + dt.timedelta(days=1)
PATIENCE = 240


def once_after(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, do: Callable[[], object]) -> None:
    """Do something once, as soon as a function has been through; what it does calls it undisturbed."""
    function = getattr(module, name)

    def interrupted(*arguments: Any) -> Any:
        monkeypatch.setattr(module, name, function)
        result = function(*arguments)
        do()
        return result

    monkeypatch.setattr(module, name, interrupted)


def once_before(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, do: Callable[[], object]) -> None:
    """The same before the function."""
    function = getattr(module, name)

    def interrupted(*arguments: Any) -> Any:
        monkeypatch.setattr(module, name, function)
        do()
        return function(*arguments)

    monkeypatch.setattr(module, name, interrupted)


class Held:
    """A stage in a thread of its own, held where it comes to a function."""

    def __init__(self, lake: TestLake, stage: str, module: Any, name: str, monkeypatch: pytest.MonkeyPatch):
        self.there, self._go_on, function = threading.Event(), threading.Event(), getattr(module, name)

        def held(*arguments: Any) -> Any:
            if threading.current_thread() is self._thread:
                self.there.set()
                self._go_on.wait(PATIENCE)
            return function(*arguments)

        monkeypatch.setattr(module, name, held)
        # A session of its own, as the signature of its commits is a session's.
        session = lake.spark.newSession()
        run = inheritable_thread_target(session)(run_job)
        arguments = (session, lake.settings, lake.contract, stage, DAY)
        self._thread = threading.Thread(target=run, args=arguments)
        self._thread.start()
        assert self.there.wait(PATIENCE)

    def end(self) -> None:
        self._go_on.set()
        self._thread.join(PATIENCE)


@pytest.mark.parametrize(
    ("before", "stage", "module", "name"),
    [
        ((), "ingest", spark_jobs.jobs.ingest, "_append"),
        (("ingest", "etl"), "load", spark_jobs.jobs.load, "_mark_loaded"),
    ],
)
def test_two_drivers_for_one_delivery_and_a_third_for_another(
    before: tuple, stage: str, module: Any, name: str, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one has seen the third's commit, and not the first one's, which comes in between."""
    lake.deliver(csv_of(employment()))
    lake.deliver(csv_of(employment(employee_id="another01")), day=NEXT_DAY)
    for day in (DAY, NEXT_DAY) if before else ():
        lake.succeed(*before, day=day)
    first = Held(lake, stage, module, name, monkeypatch)
    lake.succeed(stage, day=NEXT_DAY)
    second = Held(lake, stage, module, name, monkeypatch)
    first.end()
    second.end()
    of_day = F.col("_delivery_date") == DAY
    table = LOADS if stage == "load" else lake.tables.bronze
    assert lake.read(table).where(of_day).count() == 1


@pytest.fixture
def two_days(new_lake: Callable[..., TestLake]) -> TestLake:
    """A day in Gold, and one in Bronze that says something newer of the same person."""
    lake = new_lake(unusual_minimum=99)
    lake.deliver(csv_of(*(employment(employee_id=f"person{n:02}") for n in range(3))))
    lake.succeed()
    newer = employment(employee_id="person01", salary="1000000", updated_at="2014-05-01T00:00:00Z")
    lake.deliver(csv_of(newer), day=NEXT_DAY)
    lake.succeed("ingest", "etl", day=NEXT_DAY)
    return lake


def test_an_aggregate_of_an_older_silver_does_not_have_the_last_word(
    two_days: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole load and aggregate fall between an aggregate's reading and its writing."""
    lake = two_days
    again = employment(employee_id="person02", salary="2000000", updated_at="2014-05-01T00:00:00Z")
    lake.deliver(csv_of(again), name="b.csv")
    lake.succeed("ingest", "etl", "load")

    def others() -> None:
        lake.succeed("load", "aggregate", day=NEXT_DAY)

    once_before(monkeypatch, spark_jobs.jobs.aggregate, "_refresher", others)
    lake.succeed("aggregate")
    whole = run_job(
        lake.spark, lake.settings, lake.contract, "aggregate", None, lambda job: aggregate(job, full=True)
    )
    assert not whole.error and whole.rows["gold_rows_changed"] == 0


def test_a_load_sees_what_was_staged_anew_beside_it(
    two_days: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first day is delivered again, staged and loaded between a load's reading and its writing."""
    lake = two_days
    people = [employment(employee_id=f"person{n:02}", salary="3000000") for n in range(3)]

    def others() -> None:
        lake.deliver(csv_of(people[0], employment(**{**people[1], "updated_at": "2014-06-01T00:00:00Z"})))
        lake.succeed("ingest", "etl", "load")

    once_after(monkeypatch, spark_jobs.jobs.load, "_resolve", others)
    lake.succeed("load", day=NEXT_DAY)
    silver = lake.silver()
    for day in (DAY, NEXT_DAY):
        lake.succeed("load", day=day)
    assert lake.silver() == silver


def test_a_restore_sees_a_commit_just_before_its_own(
    two_days: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A load that began before the mark commits between restore's last look and its commit."""
    lake, current = two_days, two_days.tables.current
    point = lake.lake.version(current)
    lake.succeed("load", "aggregate", day=NEXT_DAY)
    commit = Lake.commit

    def late(mine: Lake, differences: Any, properties: Any = None) -> None:
        if differences.table == current:
            monkeypatch.setattr(Lake, "commit", commit)
            with mine.signed("another's"):
                another = lake.read(current).where("employee_id = 'person00'").localCheckpoint()
                lake.lake.sync(
                    current, another.withColumn("salary", F.lit(5).cast("decimal(14,2)")), another
                )
        commit(mine, differences, properties)

    monkeypatch.setattr(Lake, "commit", late)
    again = run_job(
        lake.spark, lake.settings, lake.contract, "restore", None, lambda job: restore(job, version=point)
    )
    assert again.exit_code == 1 and "Another job has changed" in str(again.error)
