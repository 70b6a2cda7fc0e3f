"""The quality of deliveries through a lake's life, and the gate that an unusual delivery waits at."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from spark_jobs.cli import main
from spark_jobs.gold.data_quality_daily import TABLE
from spark_jobs.jobs.erase import Request, erase
from spark_jobs.jobs.recover import recover
from spark_jobs.jobs.reprocess import reprocess
from spark_jobs.jobs.restore import restore
from spark_jobs.jobs.runner import run_days, run_job
from spark_jobs.lake.tables import LOADS, RUNS
from spark_jobs.ledger import Run
from spark_jobs.quarantine.corrections import Correction
from tests.conftest import KEY
from tests.lakes import TestLake, count_what_has_changed, csv_of, employment

pytestmark = pytest.mark.long

DAYS = [dt.date(2023, 10, day) for day in range(1, 5)]


def person(number: int, **changes: str) -> dict[str, str]:
    return employment(employee_id=f"person{number:02}", ssn=f"9000001{number:02}", **changes)


def quality(lake: TestLake) -> dict[int, dict[str, Any]]:
    """The table's rows by the day of the month."""
    rows = lake.read(TABLE).collect()
    return {row["delivery_date"].day: row.asDict() for row in rows}


def job(lake: TestLake, name: str, work: Callable) -> Run:
    run = run_job(lake.spark, lake.settings, lake.contract, name, None, work)
    assert run.error is None, run.error
    return run


@pytest.mark.parametrize("staging", ["small", "large"])
def test_the_quality_follows_whatever_is_done_to_the_lake(
    new_lake: Callable[..., TestLake], staging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if staging == "large":  # of which only what has changed is counted
        count_what_has_changed(monkeypatch)
    lake = new_lake(quarantine_limit=0.4)
    newer = {"updated_at": "2014-06-01T09:00:00Z"}
    content = [
        *(person(n) for n in range(5)),
        person(0),  # a duplicate
        person(1, salary="1", updated_at="2014-01-01T09:00:00Z"),  # superseded by the newer one
        person(6, salary="-1"),
        person(7, salary="-2", team_id="???"),
    ]
    lake.deliver(csv_of(*content))
    late = person(0, salary="5", updated_at="2014-02-01T09:00:00Z")
    lake.deliver(csv_of(late, person(2, **newer), person(2, **newer), person(9)), day=DAYS[1])
    # The later one first: what came late does not depend on when it was run.
    lake.succeed("ingest", "etl", "load", day=DAYS[1])
    lake.succeed("ingest", "etl", "load", "aggregate", day=DAYS[0])
    first, second = quality(lake)[1], quality(lake)[2]
    outcomes = ("delivered", "accepted", "duplicate", "superseded", "refused", "withheld", "late")
    assert [first[f"rows_{name}"] for name in outcomes] == [9, 5, 1, 1, 2, 0, 0]
    assert [second[f"rows_{name}"] for name in outcomes] == [4, 3, 1, 0, 0, 0, 1]
    assert first["refused_by_reason"] == {"salary_negative": 2, "team_unknown": 1}
    assert (first["payroll"], first["status"]) == (60_000_000, "loaded")
    assert first["conserved"] and second["conserved"]

    before, silver = quality(lake), lake.lake.version(lake.tables.current)
    version = lake.lake.version(TABLE)
    job(lake, "reprocess", reprocess)
    assert quality(lake) == before and lake.lake.version(TABLE) == version

    bad = next(row for row in lake.quarantine() if "person06" in row["record"])
    mended = [Correction(2, bad["_row_id"], "mend", person(6, salary="9"))]

    def run_stage(name: str, day: dt.date) -> Run:
        return run_job(lake.spark, lake.settings, lake.contract, name, day)

    job(lake, "recover", lambda context: recover(context, mended, "ann", run_stage))
    assert (quality(lake)[1]["rows_accepted"], quality(lake)[1]["rows_refused"]) == (6, 1)
    assert quality(lake)[1]["conserved"]

    # Back before the recovery: its row is in no table now, and etl has to say again what becomes of it.
    job(lake, "restore", lambda context: restore(context, version=silver))
    assert (quality(lake)[1]["rows_accepted"], quality(lake)[1]["conserved"]) == (5, False)
    lake.succeed("etl", "load", "aggregate")
    assert (quality(lake)[1]["rows_accepted"], quality(lake)[1]["conserved"]) == (6, True)

    # A delivery that is refused whole is told of at once, and says what was good in it.
    lake.deliver(csv_of(person(20), person(21, salary="-1"), person(22, salary="-1")), day=DAYS[2])
    assert lake.run("ingest", "etl", day=DAYS[2])["etl"].exit_code == 3
    third = quality(lake)[3]
    assert [third[f"rows_{name}"] for name in outcomes] == [3, 0, 0, 0, 2, 1, 0]
    assert (third["status"], third["conserved"]) == ("refused", True)

    asked = Request(("person00", "person07"), "Asked for it, case 17", "ann")
    job(lake, "erase", lambda context: erase(context, asked))
    erased = quality(lake)
    assert [erased[1][f"rows_{name}"] for name in outcomes] == [6, 5, 0, 1, 0, 0, 0]
    assert all(row["conserved"] for row in erased.values())
    fresh = new_lake("fresh", landing=lake.settings.landing, quarantine_limit=0.4)
    for day in DAYS[:3]:
        fresh.run("ingest", "etl", "load", day=day)
    fresh.succeed("aggregate", day=DAYS[1])
    told = quality(fresh)
    assert (told[2], told[3]) == (erased[2], erased[3])
    assert told[1]["rows_delivered"] == erased[1]["rows_delivered"]


@pytest.fixture
def usual(new_lake: Callable[..., TestLake]) -> TestLake:
    """Four deliveries: two like each other, one of a tenth of their rows, one of half."""
    lake = new_lake(unusual_minimum=2, unusual_history=3)
    for day, people in zip(DAYS, (range(10), range(10), range(1), range(10, 15)), strict=True):
        rows = [person(n, season=str(2010 + day.day)) for n in people]
        lake.deliver(csv_of(*rows), day=day)
    return lake


def cli(lake: TestLake, *arguments: str) -> Result:
    settings = lake.settings
    places = {"MLB_LAKE": settings.lake, "MLB_LANDING": settings.landing, "MLB_PSEUDONYM_KEY": KEY}
    limits = {"MLB_UNUSUAL_MINIMUM": "2", "MLB_UNUSUAL_HISTORY": "3"}
    return CliRunner().invoke(main, list(arguments), env={**places, **limits, "COLUMNS": "200"})


def test_an_unusual_delivery_waits_for_a_person_and_the_next_nights_do_not_wait_for_it(
    usual: TestLake, new_lake: Callable[..., TestLake]
) -> None:
    lake, day = usual, str(DAYS[2])
    runs = run_days(lake.spark, lake.settings, lake.contract, DAYS, lambda run: None)
    (stopped,) = [run for run in runs if run.exit_code]
    assert (stopped.job, stopped.delivery_date, stopped.exit_code) == ("load", DAYS[2], 3)
    assert "it has 1 good rows, 10.0% of the usual 10" in str(stopped.error)
    assert f"--accept-unusual {day}" in str(stopped.error) and "unusual-delivery.md" in str(stopped.error)
    loaded = {row["_delivery_date"] for row in lake.read(LOADS).collect()}
    assert loaded == {DAYS[0], DAYS[1], DAYS[3]}
    assert 2013 not in {row["season"] for row in lake.silver()}

    # Half of what the two loaded ones have: the one that waits has no say in what is usual.
    warned = next(run for run in runs if run.job == "load" and run.delivery_date == DAYS[3])
    assert "it has 5 good rows, 50.0% of the usual 10" in str(warned.notes)
    assert (warned.rows["unusual"], warned.rows["unusual_stopping"]) == (2, 0)
    told = quality(lake)
    assert [told[n]["status"] for n in told] == ["loaded", "loaded", "waiting", "loaded"]
    assert [told[n]["rows_verdict"] for n in told] == ["unknown", "unknown", "very_low", "low"]
    shown = cli(lake, "status").output
    assert "2023-10-03 waiting" in " ".join(shown.split()) and "very_low" in shown

    again = lake.run("etl", "load", day=DAYS[2])["load"]
    assert again.exit_code == 3, "it waits however often it is run"
    reason = "the last of the season"
    passed = cli(lake, "load", "--date", day, "--accept-unusual", day, "--reason", reason, "--by", "ann")
    assert passed.exit_code == 0, passed.output
    kept = lake.read(RUNS).where("rows['unusual_accepted'] = 1").collect()
    assert [(row["delivery_date"], row["parameters"]) for row in kept] == [
        (DAYS[2], {"accept_unusual": day, "by": "ann", "reason": reason})
    ]
    lake.succeed("load", "aggregate", day=DAYS[2])  # a loaded one is not asked again
    assert (quality(lake)[3]["status"], quality(lake)[3]["unusual_accepted"]) == ("loaded", True)

    # In another order none has enough before it to stop, and of the same deliveries tables are the same.
    other = new_lake("other", landing=lake.settings.landing, unusual_minimum=2, unusual_history=3)
    for number in (2, 3, 1, 0):
        other.succeed("ingest", "etl", "load", day=DAYS[number])
    other.succeed("aggregate", day=DAYS[0])
    person_said = {3: {**quality(other)[3], "unusual_accepted": True}}
    assert {**quality(other), **person_said} == quality(lake)
    apart = {name: hash_ for name, hash_ in other.content(arrival=False).items() if name != TABLE.name}
    assert apart == {name: lake.content(arrival=False)[name] for name in apart}
