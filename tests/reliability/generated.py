"""Rows made up from a seed, and for each what must become of it.

People follow each other, and each is a case: good, refused for one to three reasons, delivered twice, in
several versions, contradicted, deleted or spoiled. Names and places are whatever characters there are.
"""

import csv
import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.lakes import HEADER, employment, termination

NAMES = HEADER.split(",")
STAGED, DUPLICATE, SUPERSEDED, QUARANTINED = "staged", "duplicate", "superseded", "quarantined"
Row = dict[str, str]
#: What a column may hold that is refused, by its reason; of one column only one is chosen.
FAULTS = {
    "employee_id": {"employee_id_missing": ["", "N/A"], "employee_id_malformed": ["ab cd", "é", "x" * 33]},
    "season": {
        "season_missing": ["", "null"],
        "season_unreadable": ["2014.0", "MMXIV", "2147483648"],
        "season_outside_data": ["2017", "2050"],
    },
    "team_id": {"team_id_missing": ["", "-"], "team_unknown": ["XXX", "ΝΥΑ", "NYA'"]},
    "league": {"league_missing": [""], "league_unknown": ["PL", "АL"]},
    "last_name": {"last_name_missing": ["", " ", "\u200b"]},
    "birth_date": {
        "birth_date_unreadable": ["1974-02-30", "26.06.1974", "27206"],
        "birth_date_implausible": ["2013-01-01", "1066-10-14", "9999-12-31"],
    },
    "role": {"role_missing": ["", "none"], "role_unknown": ["umpire"]},
    "position": {"position_unknown": ["QB", "0"]},
    "games": {"games_unreadable": ["1e2", "many"], "games_negative": ["-1"]},
    "salary": {
        "salary_unreadable": ["1e6", "=1+1", "12.345", "9" * 40],
        "salary_negative": ["-0.01", "-5"],
        "salary_implausible": ["1000000000", "999999999999.99"],
    },
    "debut": {"debut_unreadable": ["soon"], "debut_implausible": ["0001-01-01", "9999-12-31"]},
    "ssn": {"ssn_malformed": ["12345678", "９００１２３４５６", "x"]},
    "email": {"email_malformed": ["nobody", "a@b", "a@@b.c", "a@" + "." * 300]},
    "phone": {"phone_malformed": ["123456", "1" * 16, "call me"]},
    "updated_at": {
        "updated_at_missing": [""],
        "updated_at_unreadable": ["2014-04-31T00:00:00Z", "now"],
        "updated_at_implausible": ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
    },
    "operation": {"operation_missing": [""], "operation_unknown": ["X", "DELETE"]},
}
_FREE = ("first_name", "birth_city", "birth_state", "birth_country", "bats", "throws")
_ODD = [
    *"\"',;|\t\n\r\\\x07\x1b=+-@%${}<>",
    "\u00a0",
    "\u200b",
    "\u2028",
    "\u202e",
    "\ufeff",
    "İ",
    "ß",
    "🧢",
]


@dataclass
class Generated:
    """Files' contents by name, and by file and record number the outcome, and why one is refused."""

    files: dict[str, bytes] = field(default_factory=dict)
    outcome: dict[tuple[str, int], str] = field(default_factory=dict)
    codes: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)


#: A record's bytes, its outcome, and its codes if it is refused.
Record = tuple[bytes, str, tuple[str, ...]]


def generate(rows: int, seed: int, files: int = 4) -> Generated:
    """So many rows or a few more, in some files of equal size."""
    chance, made, number = random.Random(seed), Generated(), 0
    for index in range(files):
        name, parts, count = f"generated{index}.csv", [f"{HEADER}\n".encode()], 0
        while count < rows // files:
            number += 1
            for content, outcome, codes in case(chance, f"g{number:06}"):
                count += 1
                parts.append(content)
                made.outcome[name, count] = outcome
                if codes:
                    made.codes[name, count] = codes
            if chance.random() < 0.01:
                parts.append(b"\r\n")  # a blank line is no record
        made.files[name] = b"".join(parts)
    return made


def case(chance: random.Random, person: str) -> list[Record]:
    """The records of one person."""
    row = employment(employee_id=person, last_name=f"L{odd_text(chance)}")
    row |= {name: odd_text(chance) for name in chance.sample(_FREE, 2)}
    (kind,) = chance.choices(list(CASES), [weight for weight in CASES.values()])
    return kind(chance, row)


def odd_text(chance: random.Random) -> str:
    """Some characters, of which many mean something to somebody."""
    return "".join(
        chance.choice(_ODD) if chance.random() < 0.5 else any_character(chance)
        for _ in range(chance.randrange(6))
    )


def any_character(chance: random.Random) -> str:
    """Any of Unicode but the surrogates, which are none, and null, for which a file is no text."""
    code = chance.randrange(1, 0x110000 - 0x800)
    return chr(code if code < 0xD800 else code + 0x800)


def good(chance: random.Random, row: Row) -> list[Record]:
    return [(line(row), STAGED, ())]


def warned(chance: random.Random, row: Row) -> list[Record]:
    return [(line({**row, "salary": "0", "birth_date": ""}), STAGED, ())]


def deleted(chance: random.Random, row: Row) -> list[Record]:
    return [(line(termination(employee_id=row["employee_id"], salary="rubbish")), STAGED, ())]


def faulty(chance: random.Random, row: Row) -> list[Record]:
    """Refused for one to three columns, with every reason."""
    columns = chance.sample(list(FAULTS), chance.randint(1, 3))
    if (
        "season" in columns and "birth_date" in columns
    ):  # whether a birth is plausible depends on the season
        columns.remove("birth_date")
    codes = {column: chance.choice(list(FAULTS[column])) for column in columns}
    wrong = {column: chance.choice(FAULTS[column][code]) for column, code in codes.items()}
    return [(line({**row, **wrong}), QUARANTINED, tuple(sorted(codes.values())))]


def spoiled(chance: random.Random, row: Row) -> list[Record]:
    """A byte that is no UTF-8, a field too many or too few, or text after a quote."""
    tidy = {**row, **dict.fromkeys((*_FREE, "last_name"), "Plain")}
    if chance.random() < 0.5:
        spoiled_bytes = chance.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82"])
        content = line(tidy).replace(b"Plain", b"Pl" + spoiled_bytes, 1)
        return [(content, QUARANTINED, ("invalid_utf8",))]
    wrong = chance.choice([b"Plain,Plain", b'"Pl"ain', b"Plain\r\n"])
    content = line(tidy).replace(b"Plain", wrong, 1)
    # A line end amid a record makes two that are too short.
    return [(part, QUARANTINED, ("malformed_row",)) for part in content.splitlines(keepends=True)]


def twice(chance: random.Random, row: Row) -> list[Record]:
    copies = chance.randint(1, 3)
    return [(line(row), STAGED, ()), *[(line(row), DUPLICATE, ())] * copies]


def versions(chance: random.Random, row: Row) -> list[Record]:
    """Several versions in any order, of which the newest stays."""
    days = chance.sample(range(1, 29), chance.randint(2, 4))
    said = [{**row, "updated_at": f"2014-05-{day:02}T09:00:00Z", "salary": str(1000 * day)} for day in days]
    return [
        (line(version), STAGED if day == max(days) else SUPERSEDED, ())
        for day, version in zip(days, said, strict=True)
    ]


def contradicted(chance: random.Random, row: Row) -> list[Record]:
    """Two rows of one key and time, or of one person with two birth dates or numbers."""
    if chance.random() < 0.5:
        other, code = {**row, "salary": "1"}, "sequence_conflict"
    else:
        changed = chance.choice([{"ssn": "900-98-7654"}, {"birth_date": "1975-01-01"}])
        other, code = {**row, "season": "2015", **changed}, "identity_conflict"
    return [(line(said), QUARANTINED, (code,)) for said in (row, other)]


#: Which cases there are, and how often each comes.
CASES: dict[Callable[[random.Random, Row], list[Record]], int] = {
    good: 50, warned: 3, deleted: 4, faulty: 24, spoiled: 4, twice: 5, versions: 5, contradicted: 5,
}  # fmt: skip


def line(row: Row) -> bytes:
    """A row as CSV, quoted by Python's writer."""
    out = io.StringIO(newline="")
    csv.writer(out).writerow([row[name] for name in NAMES])
    return out.getvalue().encode()
