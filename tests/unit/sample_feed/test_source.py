"""Employments out of the databank's tables."""

from __future__ import annotations

import csv
import importlib.util
import zipfile
from pathlib import Path

import pytest

from spark_jobs.sample_feed.source import SampleDataMissing, locate_zip, read_databank

PEOPLE = "playerID,birthYear,birthMonth,birthDay\nann01,1970,1,2\n"
APPEARANCES = (
    "yearID,teamID,lgID,playerID,G_all,G_p,G_c,G_1b,G_2b,G_3b,G_ss,G_lf,G_cf,G_rf,G_dh\n"
    "1985,CIN,NL,both01,9,0,0,4,4,0,0,0,0,0,0\n"
    "1984,CIN,NL,early01,9,9,0,0,0,0,0,0,0,0,0\n"
    "1985,CIN,NL,pinch01,3,0,0,0,0,0,0,0,0,0,0\n"
)
SALARIES = "yearID,teamID,lgID,playerID,salary\n1985,NYA,AL,paid01,0\n1985,CIN,NL,both01,500000\n"
MANAGERS = (
    "playerID,yearID,teamID,lgID,inseason,G\n"
    "boss01,1985,NYA,AL,3,20\nboss01,1985,NYA,AL,1,30\nboth01,1985,CIN,NL,1,162\n"
)
TEAMS = "yearID,lgID,teamID\n1985,AL,NYA\n1985,NL,CIN\n1884,NL,OLD\n"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A databank of a handful of rows."""
    path = tmp_path / "_source.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in (
            ("People", PEOPLE),
            ("Appearances", APPEARANCES),
            ("Salaries", SALARIES),
            ("Managers", MANAGERS),
            ("Teams", TEAMS),
        ):
            archive.writestr(f"baseballdatabank-2021.2/core/{name}.csv", text)
    return path


def test_a_player_manager_is_a_player(tables: Path) -> None:
    both = read_databank(tables).employments["both01", 1985, "CIN"]
    assert (both.role, both.position, both.games, both.salary) == ("player", "1B", 9, 500_000)


def test_stints_of_a_manager_are_one_employment(tables: Path) -> None:
    boss = read_databank(tables).employments["boss01", 1985, "NYA"]
    assert (boss.role, boss.position, boss.games, boss.order) == ("manager", "MGR", 50, 1)


def test_a_salary_without_an_appearance_has_no_games_and_zero_stays_zero(tables: Path) -> None:
    paid = read_databank(tables).employments["paid01", 1985, "NYA"]
    assert (paid.role, paid.league, paid.position, paid.games, paid.salary) == (
        *("player", "AL", ""),
        *(None, 0),
    )


def test_one_who_only_pinch_hit_has_position_ph(tables: Path) -> None:
    assert read_databank(tables).employments["pinch01", 1985, "CIN"].position == "PH"


def test_seasons_before_1985_are_left_out(tables: Path) -> None:
    databank = read_databank(tables)
    assert {season for _, season, _ in databank.employments} == {1985}
    assert dict(databank.teams) == {1985: {"NYA": "AL", "CIN": "NL"}}


def test_the_keys_are_those_of_the_three_tables() -> None:
    """Counted straight from the real tables."""
    found: set[tuple[str, int, str]] = set()
    with zipfile.ZipFile(locate_zip()) as archive:
        for table in ("Appearances", "Salaries", "Managers"):
            (name,) = (n for n in archive.namelist() if n.endswith(f"/core/{table}.csv"))
            for row in csv.DictReader(archive.read(name).decode().splitlines()):
                if 1985 <= int(row["yearID"]) <= 2016:
                    found.add((row["playerID"], int(row["yearID"]), row["teamID"]))
    assert read_databank(locate_zip()).employments.keys() == found


def test_without_the_package_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SampleDataMissing, match=r"install requirements/sample\.lock"):
        locate_zip()


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "_source.zip"
    zipfile.ZipFile(path, "w").close()
    with pytest.raises(SampleDataMissing, match=r"core/People\.csv"):
        read_databank(path)
