"""What goes into which day's delivery, before anything is spoiled.

The first day holds the seasons 1985-2013, each employment once and true. Each of 2014, 2015 and
2016 takes three days: opening day, the corrections of July, the corrections of October.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from spark_jobs.sample_feed.choice import number, shuffled
from spark_jobs.sample_feed.records import HEADER, Delivery, File, Key, Record
from spark_jobs.sample_feed.source import Databank, Employment, birth_date
from spark_jobs.sample_feed.synthetic import contacts
from spark_jobs.sample_feed.timing import Moment, stamp

FIRST_DAY = date(2023, 10, 1)
ERAS = {
    "seasons-1985-1989.csv": range(1985, 1990),
    "seasons-1990-1999.csv.gz": range(1990, 2000),
    "seasons-2000-2009.csv": range(2000, 2010),
    "seasons-2010-2013.csv": range(2010, 2014),
}
DAILY_SEASONS = (2014, 2015, 2016)

STALE_SHARE = 0.05
"""Share of the known salaries that opening day has wrong."""
STALE_AT_LEAST = 20
"""So many even in a feed of a few teams (a third at most), so that July has rows to deliver."""
TERMINATIONS = 12
"""Terminations in a season, at most."""
FEW_GAMES = 5
"""Who played fewer games for the team may be terminated."""


@dataclass(frozen=True, slots=True)
class Season:
    """The employments of one season, by when the sender learns of them."""

    year: int
    opening: Sequence[Employment]
    moves: Sequence[Employment]


@dataclass(slots=True)
class Feed:
    """Everything that will be delivered, and what was true."""

    deliveries: list[Delivery]
    truth: Mapping[Key, Record]
    """Each employment of the feed as the databank has it, written on opening day."""
    databank: Databank
    ssns: set[str] = field(default_factory=set)

    def delivery(self, number_of_day: int) -> Delivery:
        """A delivery by its number, 1 to 10."""
        return self.deliveries[number_of_day - 1]


def build_feed(databank: Databank, teams: frozenset[str] | None, seed: int) -> Feed:
    """All ten deliveries, for all teams or some."""
    chosen = [e for e in databank.employments.values() if teams is None or e.team_id in teams]
    truth = true_records(databank, chosen)
    deliveries = [Delivery(FIRST_DAY, [_era(*era, truth) for era in ERAS.items()])]
    gone: list[Key] = []
    for year in DAILY_SEASONS:
        season = split_season(databank.employments.values(), year, teams)
        three_days, gone = _SeasonDesk(season, truth, seed).deliveries(gone)
        for files in three_days:
            day = FIRST_DAY + timedelta(days=len(deliveries))
            deliveries.append(Delivery(day, files))
    return Feed(deliveries, truth, databank, {r.values["ssn"] for r in truth.values()})


def true_records(databank: Databank, employments: Iterable[Employment]) -> dict[Key, Record]:
    """Each employment as a record that says what the databank says."""
    contact = contacts(databank.people)
    found: dict[Key, Record] = {}
    for e in employments:
        person, reach = databank.people[e.employee_id], contact[e.employee_id]
        values = (
            *(e.employee_id, str(e.season), e.team_id, e.league),
            *(person["nameFirst"], person["nameLast"], birth_date(person)),
            *(person["birthCity"], person["birthState"], person["birthCountry"]),
            *(e.role, e.position, person["bats"], person["throws"]),
            *(_text(e.games), _text(e.salary), person["debut"]),
            *(reach.ssn, reach.email, reach.phone),
            *(stamp(Moment.OPENING, e.key), "U"),
        )
        found[e.key] = Record(e.key, dict(zip(HEADER, values, strict=True)))
    return found


def split_season(employments: Iterable[Employment], year: int, teams: frozenset[str] | None) -> Season:
    """Tell the employments of opening day from those that came about in the season.

    A player opens with the team that pays him, else with the one he played most for; a manager
    opens if he was the team's first. It is decided over all teams, then reduced to some.
    """
    by_player: dict[str, list[Employment]] = defaultdict(list)
    opening: list[Employment] = []
    moves: list[Employment] = []
    for e in employments:
        if e.season != year:
            continue
        if e.role == "player":
            by_player[e.employee_id].append(e)
        else:
            (opening if e.order <= 1 else moves).append(e)
    for choices in by_player.values():
        first, *others = sorted(choices, key=lambda e: (e.salary is None, -(e.games or 0), e.team_id))
        opening.append(first)
        moves += others
    return Season(year, *([e for e in part if _among(e, teams)] for part in (opening, moves)))


def stale_salary(key: Key, salary: int) -> str:
    """What opening day has instead of the salary: nothing for one in three, else a lower figure.

    >>> stale_salary(("a", 2014, "NYA"), 1_000_000) != "1000000"
    True
    """
    if number("stale", *key) % 3 == 0:
        return ""
    share = 70 + number("share", *key) % 25
    figure = salary * share // 100 // 500 * 500
    return str(figure if figure != salary else 109_000)


class _SeasonDesk:
    """Writes the three deliveries of one season."""

    def __init__(self, season: Season, truth: Mapping[Key, Record], seed: int) -> None:
        self.year = season.year
        self.truth = truth
        self.opening = season.opening
        self.stale = self._stale_keys(seed)
        gone = [e.key for e in season.opening if self._may_be_terminated(e)]
        self.gone = shuffled(gone, seed, "gone")[:TERMINATIONS]
        moves = shuffled((e.key for e in season.moves), seed, "move")
        half = (len(moves) + 1) // 2
        self.july_moves, self.october_moves = moves[:half], moves[half:]

    def deliveries(self, gone_before: Sequence[Key]) -> tuple[list[list[File]], list[Key]]:
        """The files of the three days, and the keys terminated on the third."""
        two_thirds = len(self.stale) * 2 // 3
        corrected, reviewed = self.stale[:two_thirds], self.stale[two_thirds:]
        corrections = self._file(
            f"corrections-{self.year}-07.csv", [*self.july_moves, *corrected], Moment.JULY
        )
        review = self._file(f"salary-review-{self.year}-07.csv", reviewed, Moment.JULY)
        october = [
            self._file(f"corrections-{self.year}-10.csv", self.october_moves, Moment.OCTOBER),
            # The very records of July: the same bytes once more, under the same name.
            File(corrections.name, corrections.records, defects=["same_file_twice"]),
            self._late(corrected, reviewed, gone_before),
            self._terminations(),
        ]
        return [self._opening_files(), [corrections, review], october], self.gone

    def _opening_files(self) -> list[File]:
        stale = set(self.stale)
        players = [
            self._stale(e.key, Moment.OPENING) if e.key in stale else self.truth[e.key].version()
            for e in self.opening
            if e.role == "player"
        ]
        players.sort(key=lambda record: record.key)
        half = len(players) // 2
        managers = [e.key for e in self.opening if e.role == "manager"]
        second = f"opening-day-{self.year}-part-2.csv"
        if self.year == DAILY_SEASONS[-1]:
            second += ".gz"
        return [
            File(f"opening-day-{self.year}-part-1.csv", players[:half]),
            File(second, players[half:]),
            self._file(f"managers-{self.year}.csv", managers, Moment.OPENING),
        ]

    def _late(self, corrected: Sequence[Key], reviewed: Sequence[Key], gone_before: Sequence[Key]) -> File:
        """Rows written in May that arrive in October, when newer ones are long known.

        Those of `corrected` meet their newer version in the same delivery, as July's file comes
        again; those of `reviewed` meet it only in what is loaded; those of `gone_before` are of
        employments that were terminated a year ago.
        """
        file = File(f"late-{self.year}.csv")
        for defect, keys in (
            ("late_file", corrected[::3]),
            ("late_after_load", reviewed[::2]),
            ("late_after_termination", gone_before[:2]),
        ):
            for key in sorted(keys):
                known = key[1] != self.year
                record = (
                    self.truth[key].version(updated_at=stamp(Moment.LATE, key))
                    if known
                    else self._stale(key, Moment.LATE)
                )
                record.mark(defect, defect)
                file.records.append(record)
        return file

    def _terminations(self) -> File:
        records = [self.truth[key].deletion(stamp(Moment.TERMINATION, key)) for key in sorted(self.gone)]
        return File(f"terminations-{self.year}.csv", records)

    def _file(self, name: str, keys: Iterable[Key], moment: Moment) -> File:
        """A file of true records, in the order of their keys."""
        return File(name, [self._true(key, moment) for key in sorted(keys)])

    def _true(self, key: Key, moment: Moment) -> Record:
        return self.truth[key].version(updated_at=stamp(moment, key))

    def _stale(self, key: Key, moment: Moment) -> Record:
        salary = int(self.truth[key].values["salary"])
        return self.truth[key].version(salary=stale_salary(key, salary), updated_at=stamp(moment, key))

    def _stale_keys(self, seed: int) -> list[Key]:
        paid = [e.key for e in self.opening if e.salary is not None]
        wanted = max(round(len(paid) * STALE_SHARE), min(STALE_AT_LEAST, len(paid) // 3))
        return shuffled(paid, seed, "stale")[:wanted]

    def _may_be_terminated(self, e: Employment) -> bool:
        # One whose salary is corrected in July is left alone: July's file comes again in the
        # delivery of the termination, and a test could no longer tell which of the two won.
        played_little = e.role == "player" and e.games is not None and e.games < FEW_GAMES
        return played_little and e.key not in self.stale


def _era(name: str, seasons: range, truth: Mapping[Key, Record]) -> File:
    records = [record.version() for key, record in truth.items() if key[1] in seasons]
    records.sort(key=lambda record: (record.key[1], record.key[2], record.key[0]))
    return File(name, records)


def _among(e: Employment, teams: frozenset[str] | None) -> bool:
    return teams is None or e.team_id in teams


def _text(value: int | None) -> str:
    return "" if value is None else str(value)
