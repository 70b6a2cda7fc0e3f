"""The shape of the sample feed: its employments, and what its deliveries are made of.

Counted from the feed each time, so that the benchmark follows the feed and not a copy of its figures.
"""

from collections import Counter
from dataclasses import dataclass

from spark_jobs.sample_feed.defects import spoil
from spark_jobs.sample_feed.deliveries import Feed, build_feed
from spark_jobs.sample_feed.records import Record
from spark_jobs.sample_feed.source import locate_zip, read_databank

SEED = 2023
FIRST, OPENING, CORRECTIONS = "first", "opening", "corrections"
#: Days of the feed by what kind of delivery they are.
_DAYS = {FIRST: (1,), OPENING: (2, 5, 8), CORRECTIONS: (3, 4, 6, 7, 9, 10)}
#: Defects of a row that stand for themselves; those of a whole file change no row.
ROW_DEFECTS = (
    "exact_duplicate",
    "two_versions_of_a_key",
    "same_sequence_conflict",
    "two_people_one_id",
    "two_people_across_deliveries",
    "missing_key",
    "unparsable_salary",
    "unparsable_date",
    "negative_salary",
    "unknown_team",
    "season_outside_data",
    "not_utf8",
    "truncated_last_line",
    "quoted_line_break",
    "untidy_values",
)
#: Of these the feed marks both rows, and the generator adds the second to the first.
_IN_PAIRS = ("same_sequence_conflict", "two_people_one_id")


@dataclass(frozen=True)
class Shape:
    """What the generator blows up: true records, and the share of each kind of row by kind of delivery."""

    records: list[dict[str, str]]
    shares: dict[str, dict[str, float]]


def read_shape() -> Shape:
    """Count the sample feed."""
    feed = build_feed(read_databank(locate_zip()), None, SEED)
    spoil(feed, SEED)
    records = [record.values for record in feed.truth.values()]
    return Shape(records, _shares(feed))


def _shares(feed: Feed) -> dict[str, dict[str, float]]:
    seen: dict[object, Record] = {}
    counts = {name: Counter() for name in _DAYS}
    for number, delivery in enumerate(feed.deliveries, start=1):
        kind = next(name for name, days in _DAYS.items() if number in days)
        people = {record.key[0] for record in seen.values()}
        counts[kind].update(_kind(record, seen, people) for record in delivery.records())
        seen |= {record.key: record for record in delivery.records() if not record.marks}
    shares = {}
    for name, found in counts.items():
        for defect in _IN_PAIRS:
            found[defect] //= 2
        total = sum(found.values())
        shares[name] = {kind: count / total for kind, count in sorted(found.items()) if count}
    return shares


def _kind(record: Record, seen: dict[object, Record], people: set[str]) -> str:
    if record.marks:
        defect = record.marks[0].defect
        return defect if defect in ROW_DEFECTS else "late"
    if record.values["operation"] == "D":
        return "delete"
    if record.key not in seen:
        return "insert" if record.key[0] in people else "newcomer"
    return "repeat" if _said(record) == _said(seen[record.key]) else "update"


def _said(record: Record) -> dict[str, str]:
    return {name: value for name, value in record.values.items() if name != "updated_at"}
