"""Spoils the feed by the plan. Each function seeds one defect and marks the rows concerned.

A row that shall be refused is an added one, for an employment that never was (a "ghost"), so that
no real row is lost. Where two rows collide one of them is real; the next delivery of July then
has it once more, as a sender would correct it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from spark_jobs.sample_feed.choice import number, pick, shuffled
from spark_jobs.sample_feed.deliveries import FIRST_DAY, Feed
from spark_jobs.sample_feed.plan import PLAN
from spark_jobs.sample_feed.records import HEADER, Delivery, File, Record
from spark_jobs.sample_feed.synthetic import Stranger, stranger
from spark_jobs.sample_feed.timing import Moment, day_before, stamp

JULY_DAYS = {3: 2014, 6: 2015, 9: 2016}
OPENING_OF_DAY = {3: 2, 4: 2, 6: 5, 7: 5, 9: 8, 10: 8}
"""The delivery of opening day for each later delivery of the season."""


class TooFewRows(ValueError):
    """The chosen teams give too few rows to seed the defects in."""


@dataclass(slots=True)
class Site:
    """The place of one defect: the feed, the delivery, the file, and a name for the incident."""

    feed: Feed
    delivery: Delivery
    file: File
    defect: str
    incident: str
    seed: int
    versions: Counter[object]
    """Records by key over the feed before it was spoiled."""

    @property
    def day(self) -> int:
        """The delivery's number, 1 to 10."""
        return (self.delivery.day - FIRST_DAY).days + 1

    def choose(self, records: list[Record], fits: Callable[[Record], bool] = lambda record: True) -> Record:
        """One of the records that no other defect has touched; it is taken from then on."""
        free = [r for r in records if not r.taken and fits(r)]
        if not free:
            raise TooFewRows(
                f"{self.file.name} has no row left for the defect {self.defect}: "
                "choose teams that played in 2014-2016, or more of them."
            )
        record = pick(free, self.seed, self.incident)
        record.taken = True
        return record

    def add(self, record: Record, after: int = -1) -> None:
        """Put a spoiled row somewhere into the file (behind an index) and mark it."""
        record.mark(self.defect, self.incident)
        first = after + 1
        room = len(self.file.records) - first + 1
        self.file.insert(record, first + number(self.seed, "place", self.incident) % room)

    def is_only_version(self, record: Record) -> bool:
        """Whether the key is delivered once: it can be delivered again without a second story."""
        return self.versions[record.key] == 1

    def resend(self, record: Record) -> None:
        """Deliver the true row again with the next July's review of salaries."""
        day = min(day for day in JULY_DAYS if day > self.day)
        file = self.feed.delivery(day).file(f"salary-review-{JULY_DAYS[day]}-07.csv")
        true = self.feed.truth[record.key]
        again = true.version(updated_at=stamp(Moment.JULY, record.key))
        again.taken = True
        file.insert(again, number(self.seed, "resend", *record.key) % (len(file.records) + 1))

    def known(self) -> list[Record]:
        """Rows of people that are known by now: this file's, or the season's opening day's."""
        if self.day not in OPENING_OF_DAY:
            return self.file.records
        return list(self.feed.delivery(OPENING_OF_DAY[self.day]).records())

    def other_team(self, record: Record) -> dict[str, str]:
        """A team of the same season that the employee never worked for in it."""
        employee_id, season, _ = record.key
        teams = self.feed.databank.teams[season]
        real = self.feed.databank.employments
        free = [team for team in sorted(teams) if (employee_id, season, team) not in real]
        team = shuffled(free, self.seed, self.incident)[0]
        return {"team_id": team, "league": teams[team]}

    def ghost(self) -> Record:
        """A row for an employment that never was, of somebody who is known."""
        base = self.choose(self.known(), lambda record: record.values["role"] == "player")
        ghost = base.version(**self.other_team(base))
        ghost.key = (base.key[0], base.key[1], ghost.values["team_id"])
        ghost.values["updated_at"] = stamp(_moment(self.day), ghost.key)
        return ghost


def spoil(feed: Feed, seed: int) -> None:
    """Seed every defect of the plan."""
    versions: Counter[object] = Counter(
        record.key for delivery in feed.deliveries for record in delivery.records()
    )
    for day, name, defects in PLAN:
        delivery = feed.delivery(day)
        file = delivery.file(name)
        for defect, times in defects.items():
            for time in range(1, times + 1):
                incident = f"{delivery.day} {name} {defect} {time}"
                SPOILERS[defect](Site(feed, delivery, file, defect, incident, seed, versions))


def exact_duplicate(site: Site) -> None:
    """The same row once more, further down."""
    record = site.choose(site.file.records)
    site.add(record.version(), after=_index(site.file, record))


def two_versions_of_a_key(site: Site) -> None:
    """An older version with another salary, anywhere in the same file."""
    record = site.choose(site.file.records)
    older = record.version(salary=_other_salary(record), updated_at=day_before(record.values["updated_at"]))
    site.add(older)


def same_sequence_conflict(site: Site) -> None:
    """A second row of the same key and time with another salary."""
    record = site.choose(site.file.records, site.is_only_version)
    site.add(record.version(salary=_other_salary(record)))
    record.mark(site.defect, site.incident)
    site.resend(record)


def two_people_one_id(site: Site) -> None:
    """Somebody else under the employee_id of one who has a single row in the delivery.

    The two rows stand in different files where the delivery has two parts.
    """
    rows = Counter(record.key[0] for record in site.delivery.records())

    def fits(record: Record) -> bool:
        return rows[record.key[0]] == 1 and site.is_only_version(record)

    parts = [f for f in site.delivery.files if f is not site.file and "part" in f.name]
    record = site.choose(parts[0].records if parts else site.file.records, fits)
    site.add(_as_stranger(site, record))
    record.mark(site.defect, site.incident)
    site.resend(record)


def two_people_across_deliveries(site: Site) -> None:
    """Somebody else under an employee_id that opening day had, and this delivery has not."""
    here = {record.key[0] for record in site.delivery.records()}

    def fits(record: Record) -> bool:
        return record.key[0] not in here and site.is_only_version(record)

    site.add(_as_stranger(site, site.choose(site.known(), fits)))


def with_values(**values: str) -> Callable[[Site], None]:
    """A spoiler that adds a ghost with these values."""

    def seed_ghost(site: Site) -> None:
        ghost = site.ghost()
        ghost.values.update(values)
        site.add(ghost)

    return seed_ghost


def truncated_last_line(site: Site) -> None:
    """A ghost at the end of the file, which breaks off."""
    ghost = site.ghost()
    ghost.mark(site.defect, site.incident)
    ghost.cut = True
    site.file.records.append(ghost)


def quoted_line_break(site: Site) -> None:
    """A line break in a city of several words; New York if anybody was born there."""

    def fits(record: Record) -> bool:
        return " " in record.values["birth_city"] and site.is_only_version(record)

    def new_york(record: Record) -> bool:
        return record.values["birth_city"] == "New York" and fits(record)

    free = [r for r in site.file.records if not r.taken]
    record = site.choose(free, new_york if any(map(new_york, free)) else fits)
    record.values["birth_city"] = record.values["birth_city"].replace(" ", "\n", 1)
    record.mark(site.defect, site.incident)
    site.resend(record)


def untidy_values(site: Site) -> None:
    """A true row in the sender's careless hand; every other one without a salary, if there is."""

    def is_true(record: Record) -> bool:
        # A stale salary would make the tidy row untrue as well, and the list says it is true.
        return record.values["salary"] == site.feed.truth[record.key].values["salary"]

    def unpaid(record: Record) -> bool:
        return is_true(record) and not record.values["salary"]

    wants_unpaid = site.incident.endswith("1") and any(unpaid(r) for r in site.file.records if not r.taken)
    record = site.choose(site.file.records, unpaid if wants_unpaid else is_true)
    values = record.values
    values["team_id"] = f" {values['team_id'].lower()} "
    values["league"] = f"{values['league'].lower()}  "
    values["email"] = values["email"].upper()
    values["birth_date"] = _american(values["birth_date"])
    values["debut"] = _american(values["debut"])
    if not values["salary"]:
        values["salary"] = pick(("NULL", "N/A"), site.incident)
    record.mark(site.defect, site.incident)


def extra_column(site: Site) -> None:
    """A column in the middle, as a reader by position would notice."""
    place = HEADER.index("salary") + 1
    site.file.columns = (*HEADER[:place], "agent", *HEADER[place:])
    for record in site.file.records:
        record.values["agent"] = f"agency-{number('agent', record.key[0]) % 20 + 1:02d}"
    site.file.defects.append(site.defect)


def columns_in_another_order(site: Site) -> None:
    """The same columns, shuffled."""
    site.file.columns = tuple(shuffled(HEADER, site.seed, site.incident))
    site.file.defects.append(site.defect)


def bom(site: Site) -> None:
    """A byte order mark before the header."""
    site.file.bom = True
    site.file.defects.append(site.defect)


def crlf(site: Site) -> None:
    """The line ends of another system."""
    site.file.line_end = "\r\n"
    site.file.defects.append(site.defect)


def empty_file(site: Site) -> None:
    """No bytes at all."""
    site.file.empty = True
    site.file.defects.append(site.defect)


def header_only(site: Site) -> None:
    """The file has no records, as the delivery has just made it; its listing follows from that."""
    assert not site.file.records, f"{site.file.name} was to have no rows"


SPOILERS: dict[str, Callable[[Site], None]] = {
    "exact_duplicate": exact_duplicate,
    "two_versions_of_a_key": two_versions_of_a_key,
    "same_sequence_conflict": same_sequence_conflict,
    "two_people_one_id": two_people_one_id,
    "two_people_across_deliveries": two_people_across_deliveries,
    "missing_key": with_values(employee_id=""),
    "unparsable_salary": with_values(salary="12,5oo k"),
    "unparsable_date": with_values(debut="2014-13-45"),
    "negative_salary": with_values(salary="-500000"),
    "unknown_team": with_values(team_id="ZZZ"),
    "season_outside_data": with_values(season="1884"),
    # A lone surrogate is written as the byte it stands for: 0xF1, an n with tilde in Latin-1.
    "not_utf8": with_values(last_name="Pe\udcf1a"),
    "truncated_last_line": truncated_last_line,
    "quoted_line_break": quoted_line_break,
    "untidy_values": untidy_values,
    "extra_column": extra_column,
    "columns_in_another_order": columns_in_another_order,
    "bom": bom,
    "crlf": crlf,
    "empty_file": empty_file,
    "header_only": header_only,
}


def _as_stranger(site: Site, record: Record) -> Record:
    """The row of a second person under the same employee_id, at another team in that season."""
    used = site.feed.ssns
    other: Stranger = stranger(record.key[0], record.values["birth_date"], used)
    row = record.version(
        **site.other_team(record),
        first_name=other.first_name,
        last_name=other.last_name,
        birth_date=other.birth_date,
        ssn=other.ssn,
        phone=other.phone,
    )
    row.key = (record.key[0], record.key[1], row.values["team_id"])
    row.values["updated_at"] = stamp(_moment(site.day), row.key)
    return row


def _moment(day: int) -> Moment:
    """When the ordinary rows of a delivery were written."""
    if day == 1 or day in OPENING_OF_DAY.values():
        return Moment.OPENING
    return Moment.JULY if day in JULY_DAYS else Moment.OCTOBER


def _other_salary(record: Record) -> str:
    return str(int(record.values["salary"] or 500_000) + 25_000)


def _index(file: File, record: Record) -> int:
    """Where this very record stands: an equal one may stand elsewhere."""
    return next(i for i, other in enumerate(file.records) if other is record)


def _american(iso: str) -> str:
    """MM/DD/YYYY.

    >>> _american("1981-05-07"), _american("")
    ('05/07/1981', '')
    """
    if not iso:
        return ""
    year, month, day = iso.split("-")
    return f"{month}/{day}/{year}"
