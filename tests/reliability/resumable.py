"""A list of trials gone through by hand, in parts and by several processes one after the other.

Each outcome is a line of a file in a folder; what is there is not tried again, nor what stands in the
journal that is given (journal.py). Shared by the fault matrix, the races and the faults of the cluster.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from tests.reliability.journal import enter, entered, well


class Trial(Protocol):
    """What is tried: its text names it."""

    @property
    def row(self) -> str:
        """The row of the page to which it belongs."""
        ...

    @property
    def number(self) -> int:
        """How often something is tried in it."""
        ...

    @property
    def replay(self) -> str:
        """The command that does it again."""
        ...


class Outcome(Protocol):
    """What became of a trial, a dataclass."""

    @property
    def pair(self) -> str:
        """The trial's name."""
        ...

    @property
    def problems(self) -> Sequence[str]:
        """What was wrong; nothing, if all is well."""
        ...

    @property
    def seconds(self) -> float:
        """How long it took."""
        ...


T = TypeVar("T", bound=Trial)
O = TypeVar("O", bound=Outcome)  # noqa: E741


@dataclass(frozen=True)
class Result:
    """A scenario of reliability in one line: how often it was tried, and how often something was lost."""

    name: str
    tried: int
    lost: int
    seconds: float


def parser_of(module: str, description: str | None) -> argparse.ArgumentParser:
    """A parser of the options that choose among the trials, and say where everything lies."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, help="where lakes and outcomes lie, to go on with")
    parser.add_argument("--only", help="one pair, as it is printed")
    parser.add_argument("--part", default="1/1", help="the k-th of n parts")
    parser.add_argument("--seconds", type=float, help="begin no pair after so many")
    parser.add_argument(
        "--journal", type=Path, help="try what is not in this file, and enter there what became of it"
    )
    parser.add_argument("--result", type=Path, help="write here, as JSON, how many were tried and lost")
    return parser


def folder_of(given: argparse.Namespace, prefix: str) -> Path:
    """The folder that is to be gone on with, or a new one."""
    folder: Path = given.folder or Path(tempfile.mkdtemp(prefix=prefix))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def part_of(among: Sequence[T], part: str) -> list[T]:
    """The k-th of n parts, from `k/n`."""
    number, parts = map(int, part.split("/"))
    return list(among[number - 1 :: parts])


def only(among: Sequence[T], name: str) -> list[T]:
    """The one of a name."""
    return [each for each in among if str(each) == name] or sys.exit(f"There is no {name}.")


def go_through(
    wanted: Sequence[T],
    attempt: Callable[[T], O],
    kind: type[O],
    folder: Path,
    given: argparse.Namespace,
    began: float,
) -> list[O]:
    """Try of the wanted what is still to be tried, and return what became of all that have been."""
    file = folder / "outcomes.jsonl"
    known = {outcome.pair: outcome for outcome in outcomes(file, kind)}
    before = well(given.journal) if given.journal else set()
    todo = [
        each
        for each in wanted
        if given.only or (str(each) not in known and (each.row, str(each)) not in before)
    ]
    say(f"{len(wanted)} pairs, {len(todo)} of them to be met; everything is in {folder}")
    for number, each in enumerate(todo, 1):
        if given.seconds and time.monotonic() - began > given.seconds:
            break
        outcome = known[str(each)] = attempt(each)
        with file.open("a") as out:
            print(json.dumps(dataclasses.asdict(outcome)), file=out)  # pyright: ignore
        if given.journal:
            lost = int(bool(outcome.problems))
            enter(given.journal, entered(each.row, str(each), each.number, lost, outcome.seconds))
        word = "LOST" if outcome.problems else "ok"
        say(f"{number}/{len(todo)}  {outcome.seconds:5.1f} s  {word}  {each}")
        for problem in outcome.problems:
            say(f"    {problem}")
        if outcome.problems:
            say(f"    again: {each.replay}")
    return [known[str(each)] for each in wanted if str(each) in known]


def told(name: str, done: Sequence[Outcome], *files: Path | None, tried: int | None = None) -> int:
    """Say in a line, and write, what became of all; the exit code.

    `tried`: how many were tried, where one of them stands for several.
    """
    lost = [outcome for outcome in done if outcome.problems]
    result = Result(
        name, len(done) if tried is None else tried, len(lost), round(sum(o.seconds for o in done), 1)
    )
    for file in filter(None, files):
        file.write_text(json.dumps(dataclasses.asdict(result)))
    say(f"{result.tried} pairs met, {result.lost} lost, {result.seconds:.0f} s in all")
    return 1 if lost else 0


def outcomes(file: Path, kind: type[O]) -> list[O]:
    """What earlier processes have tried."""
    if not file.exists():
        return []
    return [kind(**json.loads(line)) for line in file.read_text().splitlines()]


def say(line: str) -> None:
    """Tell at once how it goes."""
    print(line, flush=True)
