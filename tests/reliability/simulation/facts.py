"""What the model's tables hold, and what follows from what: no step, no fault, no clock.

A landing file is a tuple of records. Few values are enough, since what is under test is the protocol: the
same key in several deliveries, a refused record, a record that names a person without an employee_id.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tests.reliability.simulation.store import Rows

BRONZE, MANIFEST, LOADS = "bronze/employees", "ops/manifest", "ops/loads"
STAGING, QUARANTINE, ATTEMPTS = "staging/employees", "quarantine/employees", "quarantine/employees_attempts"
CURRENT, HISTORY = "silver/employees", "silver/employee_history"
IDENTITY = "silver/employee_identity"
#: Two stand for the four: one that needs a season alone, one that needs the season before, too.
PAYROLL, MOVEMENT = "gold/team_season_payroll", "gold/roster_movement"
RUNS, ERASURES = "ops/runs", "ops/erasures"
GOLD = (PAYROLL, MOVEMENT)
SILVER = (IDENTITY, HISTORY, CURRENT)
#: JobContext.published: the tables whose versions make a point.
PUBLISHED = (STAGING, LOADS, CURRENT, HISTORY, IDENTITY, *GOLD)


class Record(NamedTuple):
    """One line of a delivery. Without a salary it is refused; `names` is whom an SSN in it belongs to."""

    person: str
    season: int
    salary: int | None
    at: int
    names: str = ""


class RowId(NamedTuple):
    """A Bronze row's `_row_id`: the hash of its file's name and content, and its number."""

    file: tuple[int, str]
    content: tuple
    number: int


class Delivered(NamedTuple):
    """A Bronze row's value."""

    generation: int
    day: int
    record: Record


class Staged(NamedTuple):
    """A staged row's value; its key is (day, person, season)."""

    record: Record
    retracted: bool


class Key(NamedTuple):
    """The key of an employment, in Silver."""

    person: str
    season: int


def newest_generations(bronze: Rows) -> dict[tuple[int, str], int]:
    """Of each file the newest generation."""
    newest: dict[tuple[int, str], int] = {}
    for row_id, row in bronze:
        newest[row_id.file] = max(row.generation, newest.get(row_id.file, 0))
    return newest


def staged_of(bronze: Rows, decisions: dict) -> dict:
    """The rows of one delivery that are to be staged, as people have decided of them: one a key."""
    best: dict = {}
    for row_id, row in bronze:
        record = decisions.get(row_id, row.record)
        if record.salary is None or not record.person:
            continue
        key = (row.day, record.person, record.season)
        rank = (row.generation, record.at, record.salary)
        if key not in best or rank > best[key][0]:
            best[key] = (rank, Staged(record, False))
    return {key: staged for key, (_, staged) in best.items()}


def refused_of(bronze: Rows, decisions: dict, present: Rows) -> dict:
    """The quarantine's rows of one delivery: open, replayed or superseded, and never gone."""
    newest, states = newest_generations(bronze), dict(present)
    for row_id, row in bronze:
        record = decisions.get(row_id, row.record)
        good = record.salary is not None and record.person
        if not good and row.generation == newest[row_id.file]:
            states[row_id] = (row.day, row.record, "open")
        elif row_id in states:
            state = "replayed" if good else "superseded"
            states[row_id] = (row.day, row.record, state)
    return states


def versions_of(staging: Iterable, loaded: Iterable[int]) -> dict[Key, list[Record]]:
    """The versions of each key, the oldest first, as all loaded deliveries say together."""
    days, found = set(loaded), {}
    for (day, person, season), staged in staging:
        if day in days and not staged.retracted:
            found.setdefault(Key(person, season), []).append(staged.record)
    return {key: sorted(records, key=lambda r: (r.at, r.salary)) for key, records in sorted(found.items())}


def current_of(versions: dict[Key, list[Record]]) -> dict:
    return {key: (records[-1].salary, records[-1].at) for key, records in versions.items()}


def history_of(versions: dict[Key, list[Record]]) -> dict:
    return {(key, r.at): r.salary for key, records in versions.items() for r in records}


def identity_of(versions: dict[Key, list[Record]]) -> dict:
    return {key.person: "name" for key in versions}


def gold_of(table: str, current: Iterable, seasons: Iterable[int] | None = None) -> dict:
    """A Gold table's rows, one a season, of all seasons or of some."""
    people: dict[int, dict[str, int]] = {}
    for key, (salary, _) in current:
        people.setdefault(key.season, {})[key.person] = salary
    chosen = people if seasons is None else {s: people[s] for s in seasons if s in people}
    if table == PAYROLL:
        return {season: sum(paid.values()) for season, paid in sorted(chosen.items())}
    return {
        season: tuple(sorted(set(paid) ^ set(people.get(season - 1, ()))))
        for season, paid in sorted(chosen.items())
    }
