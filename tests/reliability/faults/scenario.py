"""The jobs of the fault matrix: each with a lake in which it has work to do at every step that it has.

Two days are loaded, the first of them in two files one after the other. Between them a day arrives late:
with people who are new, paid more, gone or refused, with a file that cannot be read, and with somebody
whose birth date contradicts the later day, so that load has to take that one's row back out of Silver. The
four stages of that day are four of the jobs. recover mends a row of the lake that they leave, and the
others run on what that leaves: erase takes away the person of that row, too.
"""

import datetime as dt
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from metrics_exporter.lake import query
from spark_jobs.settings import CONTRACT
from tests.lakes import csv_of, employment, termination
from tests.reliability.faults.reading import opened

FIRST, LATE, LAST = (dt.date(2023, 10, day) for day in (1, 2, 3))
HEADER = "quarantine_id,"
MENDED, OTHER_CONTRACT = "mended.csv", "contract.yaml"
#: Longer than VACUUM keeps a file that no version names.
_OLD = 40 * 24 * 3600


@dataclass(frozen=True)
class Job:
    """A command, on the lake that another job has left (`after`), with what it needs besides."""

    arguments: tuple[str, ...]
    after: str
    prepare: Callable[[Path], None] = lambda folder: None

    def command(self, folder: Path) -> list[str]:
        """The command for the lake in a folder."""
        return [argument.format(folder=folder) for argument in self.arguments]


def environment(folder: Path) -> dict[str, str]:
    """The settings of every command on the lake in a folder."""
    return {
        "MLB_LANDING": str(folder / "landing"),
        "MLB_LAKE": str(folder / "lake"),
        "MLB_SPARK_LOG": str(folder / "spark.log"),
        "MLB_PSEUDONYM_KEY": "a-key-for-the-fault-matrix-that-is-long-enough",
        "MLB_ERASURE_KEY": "an-erasure-key-for-the-fault-matrix-long-enough",
        "MLB_QUARANTINE_LIMIT": "1",
        # Of the processes that are killed: one job each, over a few rows.
        "MLB_COMPILER": "c1",
        "MLB_DRIVER_MEMORY": "1g",
    }


def deliver(folder: Path, day: dt.date, name: str, content: str) -> None:
    """Put a file into the landing zone."""
    file = folder / "landing" / "employees" / str(day) / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def first_days(folder: Path) -> None:
    """The deliveries of the two days that are loaded before anything fails."""
    people = [employment(employee_id=f"person{n:02}", ssn=f"900-12-{n:04}") for n in range(8)]
    earlier = {"season": "2013", "updated_at": "2013-04-01T09:00:00Z"}
    before = [employment(employee_id=f"person{n:02}", ssn=f"900-12-{n:04}", **earlier) for n in range(4)]
    refused = [
        employment(employee_id="badteam1", team_id="???"),
        employment(employee_id="badsal01", salary="x", ssn="900-12-7777"),
    ]
    deliver(folder, FIRST, "a.csv", csv_of(*people, *before, employment(employee_id="twofold1"), *refused))
    later = {"updated_at": "2014-06-01T00:00:00Z", "ssn": ""}
    rows = [
        employment(employee_id="person03", salary="13000000", **later),
        employment(employee_id="contra01", birth_date="1980-01-01", **later),
    ]
    deliver(folder, LAST, "a.csv", csv_of(*rows))


def first_day_again(folder: Path) -> None:
    """A second file of the first day that contradicts the first, so that Silver must forget a row."""
    deliver(folder, FIRST, "b.csv", csv_of(employment(employee_id="twofold1", salary="1")))


def late_day(folder: Path) -> None:
    """The delivery that comes late, and an old file that some job left behind when it was killed."""
    when = {"updated_at": "2014-05-01T00:00:00Z", "ssn": ""}
    rows = [
        employment(employee_id="person02", salary="9000000", **when),
        employment(employee_id="person05", season="2013", **when),
        employment(employee_id="contra01", birth_date="1981-01-01", **when),
        employment(employee_id="newcomer", ssn="900-12-8888"),
        employment(employee_id="badteam2", team_id="???"),
        termination(employee_id="person07", updated_at=when["updated_at"]),
    ]
    deliver(folder, LATE, "a.csv", csv_of(*rows))
    deliver(folder, LATE, "b.csv", "")
    left = folder / "lake" / "silver" / "employees" / "season=2014" / "left-behind.parquet"
    left.write_bytes(b"never committed")
    long_ago = time.time() - _OLD
    os.utime(left, (long_ago, long_ago))


def mended(folder: Path, person: str, name: str, **right: str) -> None:
    """The corrections of a person's refused row, in a file of a name: the usual row but for some values."""
    found = query(
        opened(folder / "lake", "quarantine/employees"),
        f"SELECT _row_id FROM t WHERE record LIKE '%{person}%'",
    )
    header, line = csv_of(employment(employee_id=person, **right)).splitlines()
    (folder / name).write_text(f"{HEADER}{header}\n{found[0]['_row_id']},{line}\n")


def _mended(folder: Path) -> None:
    mended(folder, "badsal01", MENDED, salary="700", ssn="900-12-7777")


def other_contract(folder: Path) -> None:
    """The contract without the rule about teams."""
    text, rule = CONTRACT.read_text(), "team_id IS NULL OR "
    assert rule in text
    (folder / OTHER_CONTRACT).write_text(text.replace(rule, "true OR ", 1))


#: The commands that load the two days, and the first one's second file.
FIRST_COMMANDS = (("run", "--date", str(FIRST)), ("run", "--date", str(LAST)))
AGAIN_COMMANDS = (("run", "--date", str(FIRST)),)
#: The name of the lake before the first job.
START = "start"
#: Each after the job on whose lake it runs.
JOBS: dict[str, Job] = {
    "ingest": Job(("ingest", "--date", str(LATE)), START),
    "etl": Job(("etl", "--date", str(LATE)), "ingest"),
    "load": Job(("load", "--date", str(LATE)), "etl"),
    "aggregate": Job(("aggregate", "--date", str(LATE)), "load"),
    "recover": Job(
        ("recover", "--corrections", f"{{folder}}/{MENDED}", "--by", "test"), "aggregate", _mended
    ),
    "reprocess": Job(
        ("reprocess", "--contract", f"{{folder}}/{OTHER_CONTRACT}"), "recover", other_contract
    ),
    "erase": Job(("erase", "person05", "badsal01", "--reason", "asked for it", "--by", "test"), "recover"),
    "maintain": Job(("maintain",), "recover"),
}


#: What lies in a lake's folder and is no part of it: what commands have said, and what is kept of it.
LEFT_OUT = shutil.ignore_patterns("*.log", "*.lock", "state.json")


def copied(source: Path, target: Path) -> Path:
    """A lake, its landing zone and what else lies in its folder, in the place of another folder."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=LEFT_OUT)
    return target
