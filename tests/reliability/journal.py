"""The journal of what has been tried to break the promise: docs/reliability.jsonl, a line for each trial.

All trials together take longer than one sitting. Each that is tried is entered here with its day and its
commit, so that the next sitting goes on with the others, and the page shows what has been met of how many.
"""

import dataclasses
import datetime as dt
import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).parents[2]
JOURNAL = TREE / "docs" / "reliability.jsonl"


@dataclass(frozen=True, order=True)
class Entry:
    """What became of a trial when it was last tried.

    `of`: the row of the page to which it belongs; `what`: what tells it from the others of that row;
    `tried`: how often something was tried in it; `lost`: how often something was not as it should be then.
    """

    of: str
    what: str
    tried: int
    lost: int
    seconds: float
    day: str
    commit: str


@dataclass(frozen=True)
class Sum:
    """What became of all trials of a row, and between which days and at which commits they were tried."""

    tried: int
    lost: int
    seconds: float
    days: tuple[str, str]
    commits: tuple[str, str]


def entered(of: str, what: str, tried: int, lost: int, seconds: float) -> Entry:
    """An entry of today, at the commit that is checked out."""
    command = ("git", "rev-parse", "--short", "HEAD")
    commit = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=True).stdout.strip()
    return Entry(of, what, tried, lost, round(seconds, 1), str(dt.date.today()), commit)


def entries(journal: Path) -> list[Entry]:
    """What stands in a journal; nothing, where there is none yet."""
    if not journal.exists():
        return []
    return [Entry(**json.loads(line)) for line in journal.read_text().splitlines()]


def enter(journal: Path, *new: Entry) -> None:
    """Put entries into a journal, each in the place of an earlier one of the same trial."""
    known = {(entry.of, entry.what): entry for entry in (*entries(journal), *new)}
    lines = [json.dumps(dataclasses.asdict(entry)) for entry in sorted(known.values())]
    new_file = journal.with_name(f"{journal.name}.new")
    new_file.write_text("".join(f"{line}\n" for line in lines))
    new_file.replace(journal)


def well(journal: Path) -> set[tuple[str, str]]:
    """The trials in which nothing was lost when they were last tried: `of` and `what` of each."""
    return {(entry.of, entry.what) for entry in entries(journal) if not entry.lost}


def sums(among: Iterable[Entry]) -> dict[str, Sum]:
    """The sum of each row."""
    rows: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(among, key=lambda entry: entry.day):
        rows[entry.of].append(entry)
    return {
        of: Sum(
            sum(entry.tried for entry in row),
            sum(entry.lost for entry in row),
            sum(entry.seconds for entry in row),
            (row[0].day, row[-1].day),
            (row[0].commit, row[-1].commit),
        )
        for of, row in rows.items()
    }
