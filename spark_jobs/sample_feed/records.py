"""What the feed is made of: records in files, files in deliveries, marks on what was spoiled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

HEADER: tuple[str, ...] = (
    "employee_id",
    "season",
    "team_id",
    "league",
    "first_name",
    "last_name",
    "birth_date",
    "birth_city",
    "birth_state",
    "birth_country",
    "role",
    "position",
    "bats",
    "throws",
    "games",
    "salary",
    "debut",
    "ssn",
    "email",
    "phone",
    "updated_at",
    "operation",
)
"""The columns of a delivered file, in the order that the feed's contract gives them."""

Key = tuple[str, int, str]
"""An employment: employee_id, season, team_id."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One record's part in a defect; records of one incident belong together."""

    defect: str
    incident: str


@dataclass(slots=True)
class Record:
    """One line of a delivery, as text.

    `key` is the employment that the record is about, whatever its values were spoiled into.
    A record that is `taken` has a part in a defect already and is not chosen for another one.
    A record that is `cut` breaks off in the middle and can only be the last of its file.
    """

    key: Key
    values: dict[str, str]
    marks: list[Mark] = field(default_factory=list)
    taken: bool = False
    cut: bool = False

    def version(self, **changes: str) -> Record:
        """The same employment with some values changed; without the marks."""
        return Record(self.key, {**self.values, **changes})

    def deletion(self, updated_at: str) -> Record:
        """The D record of this employment: only the key, the time and the operation."""
        kept = {name: self.values[name] for name in ("employee_id", "season", "team_id")}
        empty = dict.fromkeys(HEADER, "")
        return Record(self.key, {**empty, **kept, "updated_at": updated_at, "operation": "D"})

    def mark(self, defect: str, incident: str) -> None:
        """Note a part in a defect, and keep other defects away."""
        self.marks.append(Mark(defect, incident))
        self.taken = True


@dataclass(slots=True)
class File:
    """A file of a delivery and the dialect that it is written in; gzip goes by the name."""

    name: str
    records: list[Record] = field(default_factory=list)
    columns: tuple[str, ...] = HEADER
    line_end: str = "\n"
    bom: bool = False
    empty: bool = False
    defects: list[str] = field(default_factory=list)

    @property
    def is_gzip(self) -> bool:
        """Whether the file is compressed."""
        return self.name.endswith(".gz")

    def insert(self, record: Record, at: int) -> None:
        """Put a record at an index, but never behind one that breaks off."""
        last = len(self.records) - (1 if self.records and self.records[-1].cut else 0)
        self.records.insert(min(at, last), record)


@dataclass(slots=True)
class Delivery:
    """The files that arrive on one day."""

    day: date
    files: list[File] = field(default_factory=list)

    def records(self) -> Iterator[Record]:
        """All records of the day."""
        for file in self.files:
            yield from file.records

    def file(self, name: str) -> File:
        """The file of that name; a new one without records if there is none yet."""
        for file in self.files:
            if file.name == name:
                return file
        self.files.append(File(name))
        return self.files[-1]
