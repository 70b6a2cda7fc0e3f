"""What Silver and the history must be, in plain Python: slow, small, and written from the rules.

It knows employments with few columns: a person, a team, a season, a time, a salary, a birth date
and an SSN. `deliveries` maps each day to its rows, in file order.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

Key = tuple[str, int, str]


@dataclass(frozen=True)
class Said:
    """What one delivered row says."""

    employee_id: str
    season: int
    team_id: str
    updated_at: dt.datetime
    salary: int | None = None
    birth_date: dt.date | None = None
    ssn: str | None = None
    deleted: bool = False

    @property
    def key(self) -> Key:
        return self.employee_id, self.season, self.team_id

    @property
    def content(self) -> tuple:
        """What Silver shows of it."""
        if self.deleted:
            return ("D",)
        return ("U", self.salary, self.ssn, _age(self.birth_date, self.season))


@dataclass(frozen=True)
class Span:
    """A row of the history."""

    content: tuple
    valid_from: dt.datetime
    valid_to: dt.datetime | None


@dataclass
class Expected:
    """Silver by key, the history by key, and the rows held in quarantine (day, row)."""

    silver: dict[Key, Said]
    history: dict[Key, list[Span]]
    refused: set[tuple[dt.date, int]]


def expect(deliveries: dict[dt.date, list[Said]]) -> Expected:
    """The state after all deliveries, whatever the order in which they were loaded."""
    refused: set[tuple[dt.date, int]] = set()
    versions: dict[Key, list[tuple[dt.date, int, Said]]] = defaultdict(list)
    identities: dict[str, dict[str, object]] = defaultdict(dict)
    for day in sorted(deliveries):
        staged, bad = _reduce(deliveries[day])
        held = _strangers(staged.values(), identities)
        for row, said in staged.items():
            if said.employee_id in held and not said.deleted:
                refused.add((day, row))
            else:
                versions[said.key].append((day, row, said))
        refused |= {(day, row) for row in bad}
    expected = Expected({}, {}, refused)
    for key, stated in versions.items():
        accepted = _in_time(stated, refused)
        _chain(key, accepted, expected)
    return expected


def _reduce(rows: list[Said]) -> tuple[dict[int, Said], set[int]]:
    """One delivery's staged and refused rows by number, from 1."""
    first: dict[Said, int] = {}
    for number, said in enumerate(rows, start=1):
        first.setdefault(said, number)
    distinct = {number: said for said, number in first.items()}
    bad = set()
    at_once = defaultdict(set)
    people = defaultdict(lambda: (set(), set()))
    for number, said in distinct.items():
        at_once[said.key, said.updated_at].add(number)
        if not said.deleted:
            people[said.employee_id][0].add(said.birth_date)
            people[said.employee_id][1].add(said.ssn)
    for numbers in at_once.values():
        if len(numbers) > 1:
            bad |= numbers
    for number, said in distinct.items():
        births, ssns = people[said.employee_id]
        if not said.deleted and (len(births - {None}) > 1 or len(ssns - {None}) > 1):
            bad.add(number)
    newest: dict[Key, int] = {}
    for number, said in distinct.items():
        if number not in bad:
            best = newest.get(said.key)
            if best is None or said.updated_at > distinct[best].updated_at:
                newest[said.key] = number
    return {number: distinct[number] for number in newest.values()}, bad


def _strangers(staged: Iterable[Said], identities: dict[str, dict[str, object]]) -> set[str]:
    """People of this delivery whose never-changing values differ from what came before."""
    stated: dict[str, dict[str, object]] = defaultdict(dict)
    for said in staged:
        if not said.deleted:
            for name in ("birth_date", "ssn"):
                if getattr(said, name) is not None:
                    stated[said.employee_id][name] = getattr(said, name)
    strangers = set()
    for person, values in stated.items():
        known = identities[person]
        if any(known.get(name, value) != value for name, value in values.items()):
            strangers.add(person)
        else:
            known.update(values)
    return strangers


def _in_time(stated: list[tuple[dt.date, int, Said]], refused: set[tuple[dt.date, int]]) -> list[Said]:
    """The accepted versions of a key in the order of time; the earlier delivery stands."""
    accepted: dict[dt.datetime, Said] = {}
    for day, row, said in stated:
        present = accepted.setdefault(said.updated_at, said)
        if present != said:
            refused.add((day, row))
    return [accepted[time] for time in sorted(accepted)]


def _chain(key: Key, accepted: list[Said], expected: Expected) -> None:
    contents: list[Said] = []
    for said in accepted:
        if not contents or contents[-1].content != said.content:
            contents.append(said)
    if not contents:
        return
    expected.silver[key] = contents[-1]
    ends = [said.updated_at for said in contents[1:]] + [None]
    expected.history[key] = [
        Span(said.content, said.updated_at, end)
        for said, end in zip(contents, ends, strict=True)
        if not said.deleted
    ]


def _age(birth_date: dt.date | None, season: int) -> int | None:
    if birth_date is None:
        return None
    before = (birth_date.month, birth_date.day) > (7, 1)
    return season - birth_date.year - before
