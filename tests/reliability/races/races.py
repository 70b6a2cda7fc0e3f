"""The races: which pairs of jobs meet where, and what each must leave behind.

Two commands race on a copy of one lake. Then both are run again, one after the other, as an operator
would, and Gold is brought up to Silver. All must be as if they had never met: as after the same commands
in one of the two orders, then and, where both have said that they succeeded, before. Where somebody is
erased, `erase --again` comes before Gold, as the runbook says.
"""

import itertools
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import SparkSession

from tests.reliability.faults.failing import run
from tests.reliability.faults.matrix import steps_of
from tests.reliability.faults.reading import state_of
from tests.reliability.faults.scenario import LATE, copied, environment
from tests.reliability.faults.steps import Failpoint
from tests.reliability.races import racers
from tests.reliability.races.beside import UNFORESEEN, beside
from tests.reliability.races.judged import (
    at_once,
    compared,
    differing,
    points_of,
    still_there,
    torn,
    twice,
    unfinished_in,
)
from tests.reliability.races.meeting import IN_TURN, PLACES, Meeting, places
from tests.reliability.races.racers import BESIDE_ITSELF, RACERS, Racer

NAME = "races of two jobs"
_AGGREGATE = ("aggregate", "--date", str(LATE))
_ERASE_AGAIN = ("erase", "--again")
#: When a lake is compared: where both have succeeded, and after both were run again.
AT_ONCE, AGAIN = "at once", "run again"
#: Beside these Silver stays as it is, so that Gold has one right content at once.
_LEAVE_SILVER = ("aggregate", "maintain")


@dataclass(frozen=True)
class Race:
    """Two jobs, and where they meet."""

    one: Racer
    two: Racer
    where: str

    def __str__(self) -> str:
        return f"{self.one.name} × {self.two.name} {'' if self.where == IN_TURN else 'at '}{self.where}"

    @property
    def row(self) -> str:
        return NAME

    @property
    def number(self) -> int:
        return 1

    @property
    def replay(self) -> str:
        """The command that does it again."""
        return f'python -m tests.reliability.races --only "{self}"'

    @property
    def gold_counts(self) -> bool:
        """Whether Gold must be as in one of the orders before it is brought up to Silver."""
        return self.one.name in _LEAVE_SILVER and self.two.name in _LEAVE_SILVER

    @property
    def erased(self) -> tuple[str, ...]:
        """Who is nowhere afterwards."""
        return self.one.erases + self.two.erases


@dataclass(frozen=True)
class Outcome:
    """What became of a race: what was wrong (nothing, if all is well), the seconds that it took, whether
    the two have met, and what each said that gave way."""

    pair: str
    problems: tuple[str, ...]
    seconds: float
    met: bool
    said: tuple[str, ...]


def races() -> list[Race]:
    """Every pair of jobs at every place; a job beside itself twice where it has other work of its kind:
    with that, and with the very same."""
    pairs = [pair for pair in itertools.combinations(RACERS, 2)]
    for racer in RACERS:
        pairs.append((racer, racer))
        if racer.name in BESIDE_ITSELF:
            pairs.append((racer, BESIDE_ITSELF[racer.name]))
    return [Race(*pair, where) for where in PLACES for pair in pairs]


@dataclass
class Races:
    """The lake on which all race, and what is left where nobody meets anybody. A later process goes on
    with what it finds in `folder`."""

    folder: Path
    spark: SparkSession
    tell: Callable[[str], None] = lambda line: None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def meet(self, race: Race) -> Outcome:
        """Let two jobs race, run both again, and say what is wrong then."""
        began = time.monotonic()
        folder = self._copy(self._start(), "raced")
        known = points_of(folder)
        commands = self._commands(race, folder)
        at = places(self._steps(race.one), self._steps(race.two), race.where)
        meeting = Meeting(at, race.where == IN_TURN)
        ended = beside(self.spark, folder, commands, meeting)
        problems = [f"{end.said}" for end in ended if end.unforeseen]
        if not any(end.exit_code for end in ended):
            problems += self._unlike_both_orders(race, at_once(state_of(folder), race.gold_counts), AT_ONCE)
        problems += self._again(race, folder)
        problems += self._wrong(race, folder)
        purged = bool(race.erased)
        problems += torn(self.spark, folder, points_of(folder) - known, purged)
        if problems:
            problems += [f"{command[0]} ended: {end}" for command, end in zip(commands, ended, strict=True)]
            problems.append(f"its lake and log: {folder}")
        else:
            shutil.rmtree(folder)
        said = tuple(end.said for end in ended if end.said)
        return Outcome(str(race), tuple(problems), round(time.monotonic() - began, 1), meeting.met, said)

    def _commands(self, race: Race, folder: Path) -> tuple[Sequence[str], Sequence[str]]:
        return race.one.arguments(folder), race.two.arguments(folder)

    def _wrong(self, race: Race, folder: Path) -> Iterator[str]:
        """What is not as it must be, whichever of the two came first."""
        yield from twice(folder)
        yield from still_there(self.spark, folder, race.erased)
        if unfinished := unfinished_in(folder):
            yield f"`{unfinished}` has not come to its end"
        yield from self._unlike_both_orders(race, compared(state_of(folder)), AGAIN)

    def _unlike_both_orders(self, race: Race, found: dict[str, str], when: str) -> Iterator[str]:
        first = differing(found, self._order(race, 0)[when])
        if first and (second := differing(found, self._order(race, 1)[when])):
            names = [race.one.name, race.two.name]
            for order, lines in ((names, first), (names[::-1], second)):
                yield f"{when}, not as after {', then '.join(order)}: {'; '.join(lines)}"

    def _again(self, race: Race, folder: Path) -> Iterator[str]:
        """Both commands once more, and what brings Gold up; yields what they say that is no sentence."""
        after = (*((_ERASE_AGAIN,) if race.erased else ()), _AGGREGATE)
        for command in (*self._commands(race, folder), *after):
            self._run(command, folder)
        log = (folder / "out.log").read_text()
        if any(text in log for text in UNFORESEEN):
            yield "something ended without a sentence of its own: see the log"

    def _order(self, race: Race, first: int) -> dict[str, dict[str, str]]:
        """What is left where one of the two runs after the other has ended, and what after the reruns."""
        pair = (race.one, race.two) if first == 0 else (race.two, race.one)
        file = self.folder / f"{_slug(pair[0])}-then-{_slug(pair[1])}-{first}.json"
        if not file.exists():
            self.tell(f"    {pair[0].name}, then {pair[1].name}")
            folder = self._copy(self._after(pair[0]), "order")
            self._run(pair[1].arguments(folder), folder)
            left = {AT_ONCE: at_once(state_of(folder), race.gold_counts)}
            for problem in self._again(race, folder):
                raise AssertionError(f"{file.stem}: {problem} ({folder})")
            file.write_text(json.dumps({**left, AGAIN: compared(state_of(folder))}))
            shutil.rmtree(folder)
        return json.loads(file.read_text())

    def _start(self) -> Path:
        """The lake before a race."""
        folder = self.folder / "start"
        done = folder / "done.json"
        before: int = json.loads(done.read_text()) if done.exists() else 0
        for number, (deliver, command) in enumerate(racers.STEPS[before:], before + 1):
            self.tell(f"    the lake before the races: {' '.join(command)}")
            deliver(folder)
            self._succeed(command, folder)
            racers.decisions(folder)
            done.write_text(json.dumps(number))
        return folder

    def _after(self, racer: Racer) -> Path:
        """The lake after a job that nobody has met, with the steps that it takes."""
        folder = self.folder / f"after-{_slug(racer)}"
        if not (folder / "steps.json").exists():
            self.tell(f"    {racer.name}, alone")
            shutil.rmtree(folder, ignore_errors=True)
            copied(self._start(), folder)
            passed: list[Failpoint] = []
            self._succeed(racer.arguments(folder), folder, passed.append)
            (folder / "steps.json").write_text(json.dumps(steps_of(passed)))
        return folder

    def _steps(self, racer: Racer) -> dict[str, int]:
        return json.loads((self._after(racer) / "steps.json").read_text())

    def _copy(self, source: Path, name: str) -> Path:
        # A folder of its own for each, as Delta keeps the logs that it knows by their places.
        number = next(n for n in self._numbers if not (self.folder / f"{name}-{n}").exists())
        return copied(source, self.folder / f"{name}-{number}")

    def _run(
        self, command: Sequence[str], folder: Path, watch: Callable[[Failpoint], None] | None = None
    ) -> int:
        folder.mkdir(parents=True, exist_ok=True)
        return run(command, environment(folder), folder / "out.log", watch)

    def _succeed(
        self, command: Sequence[str], folder: Path, watch: Callable[[Failpoint], None] | None = None
    ) -> None:
        if self._run(command, folder, watch):
            log = (folder / "out.log").read_text()
            raise AssertionError(f"{' '.join(command)} failed: {log[-3000:]}")


def _slug(racer: Racer) -> str:
    return racer.name.replace(" ", "-")
