"""The whole pipeline on the real sample feed of two teams: the listed truth, Gold, reruns, faults."""

import csv
import gzip
import json
import statistics
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.gold import (
    league_season_summary,
    position_salaries,
    roster_movement,
    team_season_payroll,
)
from spark_jobs.jobs.aggregate import aggregate
from spark_jobs.jobs.runner import STAGES, run_days, run_job
from spark_jobs.lake.lake import Lake
from spark_jobs.sample_feed import write_sample_feed
from tests.conftest import make_lake
from tests.lakes import TestLake

DAYS = [date(2023, 10, day) for day in range(1, 11)]


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    landing = tmp_path_factory.mktemp("feed")
    write_sample_feed(landing, teams=frozenset({"NYA", "BOS", "CHN"}))
    return landing


@pytest.fixture(scope="module")
def loaded(feed: Path, spark, contract, tmp_path_factory: pytest.TempPathFactory) -> TestLake:
    """The feed's ten deliveries, run in their order."""
    lake = make_lake(spark, contract, tmp_path_factory.mktemp("loaded"), landing=feed)
    seen = []
    run_days(spark, lake.settings, contract, DAYS, seen.append)
    assert [(run.delivery_date, run.job, run.error) for run in seen if run.exit_code] == []
    assert len(seen) == len(DAYS) * len(STAGES)
    return lake


def test_every_listed_defect_ends_as_the_list_says(loaded: TestLake, feed: Path) -> None:
    defects = json.loads((feed / "sample-feed.json").read_text())["defects"]
    refused = {
        (row["_source_file"], row["_row_number"]): {reason["code"] for reason in row["reasons"]}
        for row in loaded.quarantine()
        if row["state"] == "open"
    }
    listed = set()
    for defect in defects:
        if defect["outcome"] == "quarantined":
            for number in defect["rows"]:
                place = (defect["file"], number)
                listed.add(place)
                assert defect["reason"] in refused[place], defect
        elif defect["outcome"] == "file_quarantined":
            place = (defect["file"], None)
            listed.add(place)
            assert refused[place] == {defect["reason"]}
    assert set(refused) == listed


def test_gold_is_what_the_csvs_say_without_spark(loaded: TestLake, feed: Path) -> None:
    employments = _newest(feed, set(_refused_places(loaded)))
    groups = defaultdict(list)
    for row in employments:
        groups[int(row["season"]), row["team_id"]].append(row)
    rows = loaded.read(team_season_payroll.TABLE).collect()
    assert {(row["season"], row["team_id"]) for row in rows} == set(groups)
    for row in rows:
        people = groups[row["season"], row["team_id"]]
        salaries = [int(p["salary"]) for p in people if p["salary"]]
        paid = [salary for salary in salaries if salary > 0]
        assert row["headcount"] == len(people)
        assert row["paid_headcount"] == len(paid)
        assert row["payroll"] == sum(salaries)
        assert float(row["mean_salary"]) == pytest.approx(statistics.fmean(paid), abs=0.01)
        assert float(row["median_salary"]) == pytest.approx(statistics.median(paid), abs=0.01)
        assert row["max_salary"] == max(paid)


def test_roster_movement_is_what_sets_of_people_say(loaded: TestLake, feed: Path) -> None:
    rosters = defaultdict(set)
    for row in _newest(feed, set(_refused_places(loaded))):
        rosters[int(row["season"]), row["team_id"]].add(row["employee_id"])
    for row in loaded.read(roster_movement.TABLE).where("season > 1985").collect():
        season, team = row["season"], row["team_id"]
        now, before = rosters[season, team], rosters[season - 1, team]
        elsewhere = set().union(*(p for (s, t), p in rosters.items() if s == season - 1 and t != team))
        assert row["joined"] == len(now - before)
        assert row["left"] == len(before - now)
        assert row["retained"] == len(now & before)
        assert row["arrived_from_team"] == len((now - before) & elsewhere)
        assert row["retention_rate"] == pytest.approx(len(now & before) / len(before), abs=1e-6)


def test_the_leagues_and_positions_add_up_to_the_teams(loaded: TestLake) -> None:
    teams = loaded.read(team_season_payroll.TABLE).groupBy("season").sum("headcount").collect()
    for table in (league_season_summary.TABLE, position_salaries.TABLE):
        other = loaded.read(table).groupBy("season").sum("headcount").collect()
        assert sorted(map(tuple, other)) == sorted(map(tuple, teams))


def test_a_second_run_changes_nothing(loaded: TestLake) -> None:
    before, versions = loaded.content(), loaded.versions()
    for day in (DAYS[9], DAYS[3]):
        loaded.succeed(day=day)
    assert loaded.versions() == versions
    assert loaded.content() == before


def test_a_full_rebuild_of_gold_gives_the_same_tables(loaded: TestLake) -> None:
    before, versions = loaded.content(), loaded.versions()
    run = run_job(
        loaded.spark,
        loaded.settings,
        loaded.contract,
        "aggregate",
        DAYS[9],
        lambda job: aggregate(job, full=True),
    )
    assert run.rows["gold_rows_changed"] == 0
    assert loaded.content() == before and loaded.versions() == versions


@pytest.mark.long
def test_the_order_of_the_days_does_not_matter(
    loaded: TestLake, feed: Path, new_lake: Callable[..., TestLake]
) -> None:
    shuffled = new_lake("shuffled", landing=feed)
    for number in (4, 9, 2, 7, 0, 8, 1, 6, 3, 5):
        shuffled.succeed("ingest", "etl", "load", day=DAYS[number])
    shuffled.succeed("aggregate", day=DAYS[9])
    assert shuffled.content(arrival=False) == loaded.content(arrival=False)


def test_no_personal_data_in_gold_logs_or_column_statistics(loaded: TestLake, feed: Path) -> None:
    with (feed / "employees" / "2023-10-02" / "managers-2014.csv").open() as file:
        person = next(csv.DictReader(file))
    markers = [
        person["ssn"],
        person["ssn"].replace("-", ""),
        person["email"],
        person["employee_id"],
    ]
    root = Path(loaded.settings.lake_root)
    logs = [*root.rglob("_delta_log/*.json"), *root.rglob("_delta_log/*.crc")]
    assert len(logs) > 50
    jvm: Any = loaded.spark.sparkContext._jvm
    spark_log = Path(jvm.System.getProperty("mlb.spark.log"))
    for file in [*logs, *(root / "gold").rglob("*.parquet"), spark_log]:
        content = file.read_bytes()
        assert not [marker for marker in markers if marker.encode() in content], file
    silver = loaded.read(loaded.tables.current)
    assert not {"first_name", "last_name", "birth_date"} & set(silver.columns)
    assert (
        silver.where(silver.ssn.rlike("^[0-9a-f]{64}$")).count() == silver.where("ssn is not null").count()
    )


class Killed(RuntimeError):
    """Stands for a process that ends between two commits."""


def test_killed_after_every_commit_and_run_again(
    new_lake: Callable[..., TestLake], feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed, killed = new_lake("undisturbed", landing=feed), new_lake("killed", landing=feed)
    undisturbed.succeed(day=DAYS[3])
    commits_left = 1

    def dying(original: Callable) -> Callable:
        def commit(self: Lake, *args, **kwargs):
            nonlocal commits_left
            if not commits_left:
                raise Killed
            before = dict(self.versions_written)
            result = original(self, *args, **kwargs)
            commits_left -= self.versions_written != before
            return result

        return commit

    # One after the other, so that there is a moment to be killed at between any two.
    monkeypatch.setattr(Lake, "together", lambda self, *tasks: [task() for task in tasks])
    monkeypatch.setattr(Lake, "append", dying(Lake.append))
    monkeypatch.setattr(Lake, "sync", dying(Lake.sync))
    kills = 0
    for stage in STAGES:
        # Each try gets one commit further than the last, until the whole stage has been done.
        while killed.run(stage, day=DAYS[3])[stage].exit_code:
            kills, commits_left = kills + 1, 1
            assert kills < 40
        commits_left = 1
    monkeypatch.undo()
    assert kills >= 10
    for stage in STAGES:
        killed.succeed(stage, day=DAYS[3])
    assert killed.content() == undisturbed.content()


def _refused_places(lake: TestLake) -> list[tuple[str, int | None]]:
    return [(row["_source_file"], row["_row_number"]) for row in lake.quarantine()]


def _newest(feed: Path, refused: set[tuple[str, int | None]]) -> list[dict[str, str]]:
    """The newest version of each key in the CSVs, without the refused rows and the deleted keys."""
    newest: dict[tuple[str, ...], dict[str, str]] = {}
    for file in sorted((feed / "employees").rglob("*.csv*")):
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        text = data.decode("utf-8-sig", "replace")
        source = str(file.relative_to(feed))
        for number, row in enumerate(csv.DictReader(text.splitlines(keepends=True)), start=1):
            if (source, number) in refused or not row["operation"]:
                continue
            row["team_id"], row["season"] = row["team_id"].strip().upper(), row["season"].strip()
            row["employee_id"] = row["employee_id"].strip().lower()
            row["salary"] = "" if row["salary"] in ("NULL", "N/A") else row["salary"]
            key = (row["employee_id"], row["season"], row["team_id"])
            if key not in newest or row["updated_at"] > newest[key]["updated_at"]:
                newest[key] = row
    return [row for row in newest.values() if row["operation"].strip().upper() != "D"]
