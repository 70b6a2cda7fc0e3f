"""All that is tried to break the platform's promise, and what was lost: `make reliability`.

    python -m tests.reliability              what the journal does not have yet, for hours; the page anew
    python -m tests.reliability --seconds 3000    some of it: no trial begins later than that
    python -m tests.reliability hostile …    some of it, by name
    python -m tests.reliability --part       what .ci/run tries in minutes: a fixed seed, and a new one

Each trial is a command of its own, which may be run by itself. What becomes of it is entered in
docs/reliability.jsonl, from which the table of docs/reliability.md is made; without that file all is tried
anew. Those on a cluster are among them where KUBECONFIG names one. Exit code 1 where anything was lost.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from rich.console import Console
from rich.table import Table

from tests.reliability import resumable
from tests.reliability.cluster.trials import trials as cluster_trials
from tests.reliability.faults.pairs import pairs
from tests.reliability.journal import JOURNAL, TREE, Entry, enter, entered, entries
from tests.reliability.page import write_page
from tests.reliability.races.races import races

PAGE = TREE / "docs" / "reliability.md"
FIXED_SEED = 20231001


@dataclass(frozen=True)
class Row:
    """What a trial has come to: how often it was tried, and how often something was lost."""

    name: str
    tried: int
    lost: int


@dataclass(frozen=True)
class Trial:
    """A command, and how the file that it leaves at `{result}` is read.

    `part` is what CI tries of it, if it does, and `part_of_new` what of it with the new seed. A `seeded`
    one takes its seed from MLB_SEED, several at once where it `takes_seeds`. `among` are the trials of one
    that is gone through in parts: it is given the journal, leaves out what stands there, enters the rest.
    """

    name: str
    command: tuple[str, ...]
    rows: Callable[[str, Path], list[Row]]
    part: dict[str, str] | None = None
    part_of_new: dict[str, str] | None = None
    seeded: bool = True
    takes_seeds: bool = False
    among: Callable[[], Sequence[resumable.Trial]] | None = None


def of_json(name: str, file: Path) -> list[Row]:
    """Rows of a result in JSON: one object or several, each with `name`, `tried` and `lost`."""
    told = json.loads(file.read_text())
    results = told if isinstance(told, list) else [told]
    return [Row(result["name"], result["tried"], result["lost"]) for result in results]


def of_pytest(name: str, file: Path) -> list[Row]:
    """The row of a pytest run, of its JUnit file: a test is a try."""
    suites = ElementTree.parse(file).getroot().iter("testsuite")
    counts = [{key: int(suite.get(key, 0)) for key in _COUNTED} for suite in suites]
    total = {key: sum(each[key] for each in counts) for key in _COUNTED}
    return [Row(name, total["tests"] - total["skipped"], total["failures"] + total["errors"])]


_COUNTED = ("tests", "skipped", "failures", "errors")


def _in_parts(module: str) -> tuple[str, ...]:
    options = ("--journal", str(JOURNAL.relative_to(TREE)), "--result", "{result}")
    return ("-m", f"tests.reliability.{module}", *options)


_PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", "{result}")
TRIALS = {
    "simulation": Trial(
        "seeded simulation",
        ("-m", "tests.reliability.simulation", "--json", "{result}"),
        of_json,
        part={"MLB_SEEDS": "1000"},
        part_of_new={"MLB_SEEDS": "100"},
    ),
    "model": Trial(
        "invariants of the simulation, and bugs that break each",
        (*_PYTEST, "tests/reliability/test_simulation.py"),
        of_pytest,
        # But for the real jobs, in a session of their own: minutes.
        part={"PYTEST_ADDOPTS": "-m 'not long'"},
        seeded=False,
    ),
    "faults": Trial("fault matrix", _in_parts("faults"), of_json, seeded=False, among=pairs),
    "some-faults": Trial(
        "fault matrix, a part of it",
        (*_PYTEST, "tests/reliability/test_faults.py"),
        of_pytest,
        takes_seeds=True,
    ),
    "races": Trial(
        "races of two jobs",
        _in_parts("races"),
        of_json,
        seeded=False,
        among=races,
    ),
    "some-races": Trial(
        "races of two jobs, a part of them",
        (*_PYTEST, "tests/reliability/test_races.py"),
        of_pytest,
        seeded=False,
    ),
    "crowd": Trial(
        "processes on one table on S3, killed at their commits",
        ("-m", "tests.reliability.crowd", "--result", "{result}"),
        of_json,
    ),
    "killed": Trial(
        "ways back, killed at random moments",
        (*_PYTEST, "tests/reliability/test_killed.py"),
        of_pytest,
    ),
    "hostile": Trial(
        "hostile deliveries",
        (*_PYTEST, "tests/reliability/test_hostile.py"),
        of_pytest,
    ),
    "cluster": Trial(
        "faults of the cluster",
        _in_parts("cluster"),
        of_json,
        seeded=False,
        among=cluster_trials,
    ),
    "planted": Trial(
        "bugs planted, to be caught",
        ("-m", "tests.reliability.planted", "--result", "{result}"),
        of_json,
        seeded=False,
    ),
}


#: Those on a cluster are tried in what `make deploy` has put into the one that KUBECONFIG names.
WHOLE = tuple(
    name
    for name in TRIALS
    if not name.startswith("some-") and (name != "cluster" or os.environ.get("KUBECONFIG"))
)
PART = tuple(name for name, trial in TRIALS.items() if trial.part is not None)


def main() -> int:
    """Try what was chosen and show it; but for CI's part, enter it and write the page."""
    given = options()
    console = Console(width=150)
    names = given.names or [*(PART if given.part else WHOLE)]
    seeds = [FIXED_SEED, random.randrange(10**8)] if given.part else [given.seed]
    console.print(f"seeds: {', '.join(map(str, seeds))}")
    ends = time.monotonic() + given.seconds
    tried: list[Entry] = []
    for name in names:
        for settings in runs_of(TRIALS[name], seeds, given.part):
            if given.part or not has(JOURNAL, TRIALS[name], settings):
                tried += attempt(TRIALS[name], settings, ends, console)
    if not given.part:
        enter(JOURNAL, *(entry for entry in tried if entry.what))
        write_page(PAGE, entries(JOURNAL), of_how_many())
    show(tried, console)
    return int(any(entry.lost for entry in tried))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[[], *TRIALS], help="only these")
    parser.add_argument("--part", action="store_true", help="what fits into CI, with a new seed besides")
    parser.add_argument("--seed", type=int, default=FIXED_SEED, help="[default: %(default)s]")
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no trial after so many")
    return parser.parse_args()


def runs_of(trial: Trial, seeds: list[int], part: bool) -> list[dict[str, str]]:
    """The settings of each run of a trial."""
    settings = (trial.part or {}) if part else {}
    if not trial.seeded:
        return [settings]
    if trial.takes_seeds:
        return [{**settings, "MLB_SEED": ",".join(map(str, seeds))}]
    of_new = trial.part_of_new if part and trial.part_of_new else settings
    return [{**(of_new if n else settings), "MLB_SEED": str(seed)} for n, seed in enumerate(seeds)]


def has(journal: Path, trial: Trial, settings: dict[str, str]) -> bool:
    """Whether a journal has this run of a trial, and nothing was lost. One in parts looks itself."""
    lost = [entry.lost for entry in entries(journal) if entry.what == typed(trial, settings)]
    return bool(lost) and not any(lost)


def typed(trial: Trial, settings: dict[str, str]) -> str:
    """The command of a trial as a person types it."""
    words = [*(f"{name}={quote(value)}" for name, value in settings.items()), "python", *trial.command]
    return " ".join(words).replace("{result}", "FILE")


def attempt(trial: Trial, settings: dict[str, str], ends: float, console: Console) -> list[Entry]:
    """Run a trial's command, if there is time; one that fails without a loss in its result counts as one.

    The entries of one that is gone through in parts, which enters its trials itself, have no `what`.
    """
    began = time.monotonic()
    if began > ends:
        return []
    what = typed(trial, settings)
    console.print(f"== {trial.name}: {what}")
    in_time = ("--seconds", str(ends - began)) if trial.among and ends < math.inf else ()
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        result = Path(folder) / "result"
        command = [sys.executable, *(str(result) if a == "{result}" else a for a in trial.command)]
        done = subprocess.run([*command, *in_time], cwd=TREE, env={**os.environ, **settings})
        rows = trial.rows(trial.name, result) if result.exists() else []
        if done.returncode and not any(row.lost for row in rows):
            rows.append(Row(f"{trial.name}: ended with {done.returncode}", 1, 1))
    seconds = time.monotonic() - began
    what = "" if trial.among else what
    return [entered(row.name, what, row.tried, row.lost, seconds) for row in rows]


def of_how_many() -> dict[str, dict[str, int]]:
    """All trials of those that are gone through in parts: by row, each by name, how often it tries."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for trial in TRIALS.values():
        for each in trial.among() if trial.among else ():
            found[each.row][str(each)] = each.number
    return found


def show(tried: list[Entry], console: Console) -> None:
    """The table of what has been tried now."""
    table = Table("tried", "how often", "lost", "seconds", "command")
    for entry in tried:
        table.add_row(entry.of, f"{entry.tried:,}", f"{entry.lost:,}", f"{entry.seconds:.0f}", entry.what)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
