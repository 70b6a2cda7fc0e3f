"""What the real data lacks and a real feed would hold: made from the employee_id, visibly so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from spark_jobs.sample_feed.choice import number, pick

STRANGER_FIRST_NAMES = ("Alex", "Casey", "Jordan", "Morgan", "Robin", "Taylor")
STRANGER_LAST_NAMES = ("Example", "Nobody", "Placeholder", "Sample", "Specimen")


@dataclass(frozen=True, slots=True)
class Contact:
    """The direct identifiers of a person."""

    ssn: str
    email: str
    phone: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """An invented second person who is delivered under somebody else's employee_id."""

    first_name: str
    last_name: str
    birth_date: str
    ssn: str
    phone: str


def ssn(name: str, attempt: int = 0) -> str:
    """A number that no one can have.

    Social security numbers never begin with a 9; the taxpayer numbers that do have a middle
    part of 50 or more, and so 01-49 is free.
    """
    value = number("ssn", name, attempt)
    area, value = value % 100, value // 100
    group, value = value % 49, value // 49
    return f"9{area:02d}-{group + 1:02d}-{value % 9999 + 1:04d}"


def phone(name: str) -> str:
    """A telephone number out of 555-0100 to 555-0199, which are kept for fiction."""
    value = number("phone", name)
    return f"{200 + value % 800}-555-01{value // 800 % 100:02d}"


def contacts(employee_ids: Iterable[str]) -> dict[str, Contact]:
    """The contact of each employee, no SSN twice: in a clash, the later id tries again.

    Give all the people there are, not a selection of them: then an employee's SSN does not
    depend on the selection.
    """
    found: dict[str, Contact] = {}
    used: set[str] = set()
    for employee_id in sorted(set(employee_ids)):
        free = _free_ssn(employee_id, used)
        used.add(free)
        found[employee_id] = Contact(free, f"{employee_id}@example.org", phone(employee_id))
    return found


def stranger(employee_id: str, real_birth_date: str, used: set[str]) -> Stranger:
    """A second person for an employee_id, younger by three years or so; adds to the used SSNs."""
    name = f"{employee_id}/stranger"
    free = _free_ssn(name, used)
    used.add(free)
    year = int(real_birth_date[:4] or 1975) + 3
    born = date(year, 1 + number("month", name) % 12, 1 + number("day", name) % 28)
    return Stranger(
        first_name=pick(STRANGER_FIRST_NAMES, "first", name),
        last_name=pick(STRANGER_LAST_NAMES, "last", name),
        birth_date=born.isoformat(),
        ssn=free,
        phone=phone(name),
    )


def _free_ssn(name: str, used: set[str]) -> str:
    attempt = 0
    while (candidate := ssn(name, attempt)) in used:
        attempt += 1
    return candidate
