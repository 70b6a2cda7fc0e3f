"""The real sample feed of two teams under another contract, and back; in two orders of its days."""

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from spark_jobs.contracts.contract import parse_contract
from spark_jobs.gold import team_season_payroll
from spark_jobs.jobs.points import read_points
from spark_jobs.jobs.reprocess import reprocess
from spark_jobs.jobs.restore import restore
from spark_jobs.jobs.runner import run_job
from spark_jobs.lake.diff import CHANGED, diff
from spark_jobs.lake.travel import versions
from spark_jobs.sample_feed import write_sample_feed
from spark_jobs.settings import CONTRACT
from tests.lakes import TestLake

DAYS = [dt.date(2023, 10, day) for day in (2, 3, 4)]


def load(lake: TestLake, *order: int) -> TestLake:
    for number in order:
        lake.succeed("ingest", "etl", "load", day=DAYS[number])
    lake.succeed("aggregate", day=DAYS[order[-1]])
    return lake


@pytest.mark.long
def test_another_contract_and_back(new_lake: Callable[..., TestLake], tmp_path: Path) -> None:
    write_sample_feed(tmp_path / "feed", teams=frozenset({"NYA", "BOS"}))
    lake = load(new_lake("lake", landing=tmp_path / "feed", quarantine_limit=1), 2, 0, 1)
    before = lake.content()
    payroll = team_season_payroll.TABLE
    gold = lake.lake.version(payroll)

    # No catchers any more: of the feed, not of a made-up row.
    text = CONTRACT.read_text()
    assert text.count("'P', 'C', '1B'") == 1
    contract = parse_contract(text.replace("'P', 'C', '1B'", "'P', '1B'"))
    other, told = dataclasses.replace(lake, contract=contract), []
    run = run_job(
        lake.spark, lake.settings, contract, "reprocess", None, lambda job: told.extend(reprocess(job))
    )
    assert run.exit_code == 0 and run.rows["silver/employees removed"] > 0, run.error
    assert run.rows["rows_in"] == sum(
        run.rows[outcome] for outcome in ("staged", "duplicate", "superseded", "quarantined")
    )
    fresh = new_lake("fresh", landing=tmp_path / "feed", quarantine_limit=1)
    assert other.content() == load(dataclasses.replace(fresh, contract=contract), 1, 2, 0).content()
    assert other.content() != before

    newest = versions(lake.lake, payroll)[0]
    assert (newest.job, newest.run_id) == ("reprocess", run.run_id)
    between = diff(lake.lake, payroll, gold, newest.number, payroll.schema.names, 5)
    assert between.counts.changed == sum(newest.rows[name] for name in ("inserted", "updated", "deleted"))
    for row in between.rows:
        assert row.change != CHANGED or row.before["headcount"] != row.after["headcount"] or row.columns

    at = read_points(lake.lake, lake.contract)[0].at
    run = run_job(
        lake.spark, lake.settings, lake.contract, "restore", None, lambda job: restore(job, as_of=at)
    )
    assert run.exit_code == 0, run.error
    after = lake.content()
    assert {name for name in after if after[name] != before[name]} == {"quarantine"}
