"""gold/data_quality_daily: what became of each delivery's rows, and whether it is like those before it.

One row a delivery and not one a measure: its figures are of one law (what came in is what came out), and
whoever reads one needs the others beside it. Only the reasons are many and grow with the contract: they
are a map, which `explode` makes rows of.

A row is what the lake says of the delivery and of earlier ones as they are now: nothing in it depends
on the order or the time at which they were run.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from pyspark.sql import Row

from spark_jobs.gold.delivery_counts import COLLISIONS, REJECTED
from spark_jobs.gold.groups import SMALLEST_GROUP
from spark_jobs.lake.tables import Table
from spark_jobs.ledger import Told
from spark_jobs.usual import Limits, judge

LOADED, REFUSED, WAITING = "loaded", "refused", "waiting"

TABLE = Table(
    name="gold/data_quality_daily",
    description=(
        "What became of each delivery's rows, by its last etl and today's quarantine. status: loaded (in "
        "Silver), refused (whole: too many of its rows, or all of its files), or waiting. rows_delivered "
        "= rows_accepted + rows_duplicate + rows_superseded + rows_refused + rows_withheld, or conserved "
        "is false: duplicates equal another row, superseded ones gave way to a newer row of their key in "
        "the delivery, withheld ones are good but of a delivery that is refused whole. rows_late: of the "
        "accepted, those whose key an earlier delivery had newer; rows_collided: of the refused, those "
        "that contradict others; rows_rejected: of the refused, those that a person gave up. "
        "refused_by_reason: rows by code of the contract, one with several under each. quarantine_share: "
        "refused out of delivered, 0 to 1. payroll: known salaries of the accepted rows, in US dollars; "
        "null for one or two paid people. verdicts: usual, low, high, very_low, very_high against the "
        "loaded deliveries before it, or unknown; unusual_accepted: a person let it pass. Null: not "
        "known, until etl has run for it."
    ),
    columns=(
        "delivery_date date, status string, rows_delivered bigint, rows_accepted bigint, "
        "rows_duplicate bigint, rows_superseded bigint, rows_refused bigint, rows_withheld bigint, "
        "conserved boolean, rows_late bigint, rows_collided bigint, rows_rejected bigint, "
        "files_refused bigint, refused_by_reason map<string,bigint>, quarantine_share double, "
        "payroll decimal(16,2), rows_verdict string, payroll_verdict string, unusual_accepted boolean"
    ),
    key=("delivery_date",),
    statistics=("delivery_date",),
    deletion_vectors=False,
)


class Accepted(NamedTuple):
    """A delivery's accepted rows, and their payroll in US dollars.

    The payroll is None for one or two paid people, whose salaries it would tell, and where fewer than three
    people are employed at all, of whom nobody can say that their salaries are missing.
    """

    rows: int = 0
    payroll: Decimal | None = None
    late: int = 0


def accepted(staged: Iterable[Row]) -> dict[dt.date, Accepted]:
    """The accepted rows of each delivery, from the groups of `staged_by_delivery`."""
    groups: dict[dt.date, list[Row]] = defaultdict(list)
    for group in staged:
        # A rule's refused row is staged only where a restore has gone back to before it was refused.
        if group["codes"] is None or not COLLISIONS.issuperset(group["codes"]):
            groups[group["_delivery_date"]].append(group)
    return {date: _accepted(of_date) for date, of_date in groups.items()}


def _accepted(groups: list[Row]) -> Accepted:
    rows, employed, paid, late = (
        sum(group[name] for group in groups) for name in ("rows", "employed", "paid", "late")
    )
    told = paid >= SMALLEST_GROUP or (paid == 0 and employed >= SMALLEST_GROUP)
    total = sum((group["payroll"] for group in groups), Decimal(0))
    return Accepted(rows, total if told else None, late)


@dataclass
class _Refused:
    """What the quarantine has of a delivery."""

    files: int = 0
    rows: int = 0
    collided: int = 0
    rejected: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)

    def add(self, group: Row, times: int) -> None:
        """Count a group of refused rows, or, with -1, take it out again."""
        rows, codes = group["rows"] * times, group["codes"]
        self.rows += rows
        self.collided += rows if COLLISIONS.intersection(codes) else 0
        self.rejected += rows if group["state"] == REJECTED else 0
        self.by_reason.update({code: rows for code in codes})


def _refused(refused: Iterable[Row], staged: Iterable[Row]) -> dict[dt.date, _Refused]:
    found: dict[dt.date, _Refused] = defaultdict(_Refused)
    for group in refused:
        if group["kind"] == "file":
            found[group["_delivery_date"]].files += group["rows"]
        else:
            found[group["_delivery_date"]].add(group, 1)
    for group in staged:
        if group["codes"] is not None and not COLLISIONS.issuperset(group["codes"]):
            found[group["_delivery_date"]].add(group, -1)  # it is accepted
    return found


def _accepted_before(row: Mapping[str, Any]) -> Accepted:
    return Accepted(row["rows_accepted"], row["payroll"], row["rows_late"])


def _refused_before(row: Mapping[str, Any]) -> _Refused:
    return _Refused(
        files=row["files_refused"],
        rows=row["rows_refused"],
        collided=row["rows_collided"],
        rejected=row["rows_rejected"],
        by_reason=Counter(row["refused_by_reason"]),
    )


def data_quality_daily(
    told: Mapping[dt.date, Told],
    refused: Collection[Row],
    staged: Collection[Row],
    loaded: Collection[dt.date],
    limits: Limits,
    known: Mapping[dt.date, Mapping[str, Any]] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """One row for each delivery that has been told of, or of which something is staged or refused.

    told: what the ledger says of each delivery. refused, staged: the groups of `refused_by_delivery` and
    `staged_by_delivery`. loaded: the deliveries that Silver is made of. known: of deliveries that are not
    among the groups, the rows that they have had, whose counts still hold. Plain Python, since what the
    large tables are counted to is one row a delivery, for which a query costs more than it does.
    """
    good, bad = accepted(staged), _refused(refused, staged)
    good |= {date: _accepted_before(row) for date, row in known.items() if row["rows_accepted"]}
    bad.update({date: _refused_before(row) for date, row in known.items()})
    usual: dict[str, list[float]] = {"rows": [], "payroll": []}
    rows = []
    for date in sorted({*told, *good, *bad}):
        row = _row(date, told.get(date), good.get(date), bad.get(date, _Refused()), date in loaded)
        if row is None:
            continue
        volume = row.pop("_volume")
        for name, value in (("rows", volume), ("payroll", row["payroll"])):
            figure = None if value is None else float(value)
            row[f"{name}_verdict"] = judge(figure, usual[name], limits)
            if date in loaded and figure:
                usual[name].append(figure)
        rows.append(row)
    return rows


def _row(
    date: dt.date, told: Told | None, good: Accepted | None, bad: _Refused, is_loaded: bool
) -> dict[str, Any] | None:
    """A delivery's row without its verdicts, and its `_volume`; None where nothing is known of it."""
    told = told or Told(None, None, None, None, whole=False, by_hand=False)
    if told.delivered is None and good is None and not bad.rows and not bad.files:
        return None
    # One that had other files before may have been loaded then: it is refused until it is mended.
    whole = told.whole or (told.delivered is None and good is None and bad.files > 0)
    # Where no file can be read etl has nothing to tell, and no row came in.
    unknown = 0 if whole else None
    delivered, duplicate, superseded = (
        unknown if count is None else count for count in (told.delivered, told.duplicate, told.superseded)
    )
    # A delivery of which nothing is left to load has no rows; one that was taken back is not known.
    volume = None if told.delivered is None else 0
    taken = Accepted() if whole or good is None else good
    withheld = (told.staged or 0) if whole else 0
    conserved = None
    if delivered is not None and duplicate is not None and superseded is not None:
        conserved = delivered == taken.rows + duplicate + superseded + bad.rows + withheld
    return {
        "delivery_date": date,
        "status": REFUSED if whole else LOADED if is_loaded else WAITING,
        "rows_delivered": delivered,
        "rows_accepted": taken.rows,
        "rows_duplicate": duplicate,
        "rows_superseded": superseded,
        "rows_refused": bad.rows,
        "rows_withheld": withheld,
        "conserved": conserved,
        "rows_late": good.late if good else 0,
        "rows_collided": bad.collided,
        "rows_rejected": bad.rejected,
        "files_refused": bad.files,
        "refused_by_reason": dict(sorted((+bad.by_reason).items())),
        "quarantine_share": round(bad.rows / delivered, 6) if delivered else None,
        "payroll": taken.payroll,
        "unusual_accepted": told.by_hand,
        "_volume": None if whole else volume if good is None else good.rows,
    }
