"""The jobs that race, and one lake on which each of them has work to do.

Two days are loaded and published, with a point of the ledger for each. A second file of the first day is
loaded and not published, so that Gold is behind; two more days are staged and not loaded; two rows wait
in the quarantine to be mended, and a contract without the rule that has refused some.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from metrics_exporter.lake import query
from tests.lakes import csv_of, employment
from tests.reliability.faults import scenario
from tests.reliability.faults.reading import RUNS, opened
from tests.reliability.faults.scenario import FIRST, LAST, LATE

EXTRA = dt.date(2023, 10, 4)
MENDED, ALSO_MENDED, OTHER_CONTRACT = "mended.csv", "also-mended.csv", "contract.yaml"
#: Whom an erasure takes away: the first one of a race, and a second one beside it.
PEOPLE, OTHERS = ("person05", "badsal01"), ("person06",)


@dataclass(frozen=True)
class Racer:
    """A job that races, and its command on the lake in a folder.

    `name` is the command's own but where two of one job have each work of their own.
    """

    name: str
    arguments: Callable[[Path], tuple[str, ...]]
    erases: tuple[str, ...] = ()


def _always(*arguments: str) -> Callable[[Path], tuple[str, ...]]:
    return lambda folder: tuple(argument.format(folder=folder) for argument in arguments)


def _recover(corrections: str) -> Callable[[Path], tuple[str, ...]]:
    return _always("recover", "--corrections", f"{{folder}}/{corrections}", "--by", "test")


def _restore(number: int) -> Callable[[Path], tuple[str, ...]]:
    return lambda folder: ("restore", "--to-version", str(_point(folder, number)))


def _erase(*people: str) -> Callable[[Path], tuple[str, ...]]:
    return _always("erase", *people, "--reason", "asked for it", "--by", "test")


RACERS = (
    Racer("load", _always("load", "--date", str(LATE))),
    Racer("aggregate", _always("aggregate", "--date", str(LATE))),
    Racer("recover", _recover(MENDED)),
    Racer("reprocess", _always("reprocess", "--contract", f"{{folder}}/{OTHER_CONTRACT}")),
    Racer("restore", _restore(0)),
    Racer("erase", _erase(*PEOPLE), PEOPLE),
    Racer("maintain", _always("maintain")),
)
#: Beside itself a job has other work of its kind, where there is such.
BESIDE_ITSELF = {
    "load": Racer("load of another day", _always("load", "--date", str(EXTRA))),
    "recover": Racer("recover of another row", _recover(ALSO_MENDED)),
    "restore": Racer("restore to another point", _restore(1)),
    "erase": Racer("erase of another person", _erase(*OTHERS), OTHERS),
}
#: The commands that make the lake: `deliver` is done before each.
Step = tuple[Callable[[Path], None], tuple[str, ...]]


def _nothing(folder: Path) -> None: ...


def _staged_days(folder: Path) -> None:
    scenario.late_day(folder)
    when = {"updated_at": "2014-05-02T00:00:00Z", "ssn": ""}
    rows = [
        employment(employee_id="person02", salary="9500000", **when),
        employment(employee_id="person04", season="2015", **when),
        employment(employee_id="contra01", birth_date="1982-01-01", **when),
        employment(employee_id="newcomer", salary="1", **{**when, "ssn": "900-12-8888"}),
    ]
    scenario.deliver(folder, EXTRA, "a.csv", csv_of(*rows))
    # Contradicts the row that is mended: held back where that one is staged, and in Silver where it is not.
    contradicting = employment(employee_id="badsal01", salary="800", **{**when, "ssn": "900-12-7779"})
    scenario.deliver(folder, LATE, "c.csv", csv_of(contradicting))


STEPS: tuple[Step, ...] = (
    (scenario.first_days, ("run", "--date", str(FIRST))),
    (_nothing, ("run", "--date", str(LAST))),
    (scenario.first_day_again, ("ingest", "--date", str(FIRST))),
    (_nothing, ("etl", "--date", str(FIRST))),
    (_nothing, ("load", "--date", str(FIRST))),
    (_staged_days, ("ingest", "--date", str(LATE))),
    (_nothing, ("etl", "--date", str(LATE))),
    (_nothing, ("ingest", "--date", str(EXTRA))),
    (_nothing, ("etl", "--date", str(EXTRA))),
)


def decisions(folder: Path) -> None:
    """What people bring besides: corrections of two rows, and the other contract."""
    scenario.mended(folder, "badsal01", MENDED, salary="700", ssn="900-12-7777")
    scenario.mended(folder, "badteam1", ALSO_MENDED, team_id="NYA")
    scenario.other_contract(folder)


def _point(folder: Path, number: int) -> int:
    """The version of Silver at one of the lake's points, from the oldest on."""
    rows = query(
        opened(folder / "lake", RUNS),
        "SELECT point FROM t WHERE point IS NOT NULL AND outcome = 'succeeded' ORDER BY finished_at",
    )
    return dict(rows[number]["point"])["silver/employees"]
