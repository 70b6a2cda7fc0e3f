"""`make bench`: the pipeline beside what people would use in its place, in one run, as ratios.

    MLB_BENCH_ROWS=1000000          rows of Silver; several sizes separated by commas
    MLB_BENCH_SCENARIOS=1pct-clustered    deliveries, or `all`
    MLB_BENCH_CONTENDERS=all        or some of them
    MLB_BENCH_ROUNDS=5              rounds; after the first one's time each contender's Silver is checked
    MLB_BENCH_MEMORY=2g             heap of a JVM
    MLB_BENCH_FOLDER=build/bench    where the work is made, and kept for the next time
    MLB_BENCH_WARM=1                0 leaves out the second delivery into the same process
    MLB_BENCH_MORE=0                1 adds runs to those that docs/benchmarks.json has of the same cases

Contenders take turns within a round, each in a process of its own, from the same state. A contender whose
Silver is not what the oracle says has no figures, and the bench fails. Figures are written after each
round: the cases that are measured replace those of the same size and scenario, the others stay. With
MLB_BENCH_MORE=1 a contender that has figures is not checked again. Runs in .venv-bench.
"""

import datetime as dt
import json
import os
import platform
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.contenders import CONTENDERS
from benchmarks.figures import Case, read_cases, with_case, with_runs_of, write_cases
from benchmarks.generate import FIRST_LOAD, SCENARIOS, generate
from benchmarks.measure import ROOT, ContenderFailed, Measured, run_once
from benchmarks.oracle import differences
from benchmarks.report import draw, show, write_page

_console = Console(stderr=True)
_FIGURES = ROOT / "docs" / "benchmarks.json"


@dataclass(frozen=True)
class Choice:
    """What is to be measured."""

    sizes: list[int]
    scenarios: list[str]
    contenders: list[str]
    rounds: int
    memory: str
    folder: Path
    warm: bool
    more: bool
    command: str


def choice(environment: dict[str, str]) -> Choice:
    """The choice that the environment makes; a wrong name is told in a sentence."""

    def some(name: str, default: str, known: list[str]) -> list[str]:
        given = environment.get(f"MLB_BENCH_{name}", default)
        chosen = known if given == "all" else given.split(",")
        if unknown := [value for value in chosen if value not in known]:
            raise SystemExit(
                f"MLB_BENCH_{name}: there is no {', '.join(unknown)}; there are {', '.join(known)}."
            )
        return chosen

    return Choice(
        sizes=[
            int(size) for size in environment.get("MLB_BENCH_ROWS", "1000000").replace("_", "").split(",")
        ],
        scenarios=some("SCENARIOS", "1pct-clustered", [scenario.name for scenario in SCENARIOS]),
        contenders=some("CONTENDERS", "all", list(CONTENDERS)),
        rounds=int(environment.get("MLB_BENCH_ROUNDS", "5")),
        memory=environment.get("MLB_BENCH_MEMORY", "2g"),
        folder=(ROOT / environment.get("MLB_BENCH_FOLDER", "build/bench")).absolute(),
        warm=environment.get("MLB_BENCH_WARM", "1") == "1",
        more=environment.get("MLB_BENCH_MORE", "0") == "1",
        command=_command(environment),
    )


def _command(environment: dict[str, str]) -> str:
    """What to type for the same once more."""
    given = {
        name: value
        for name, value in sorted(environment.items())
        if name.startswith("MLB_BENCH_") and name != "MLB_BENCH_FOLDER"
    }
    return " ".join([*(f"{name}={value}" for name, value in given.items()), "make bench"])


def main() -> None:
    """Make the work, check and measure the contenders, show and write the figures."""
    chosen = choice(dict(os.environ))
    failed: set[str] = set()
    for rows in chosen.sizes:
        folder = prepare(chosen, rows)
        for name in chosen.scenarios:
            failed |= measure(chosen, folder / name, rows)
    if failed:
        raise SystemExit(f"Not measured, for the reasons above: {', '.join(sorted(failed))}.")


def prepare(chosen: Choice, rows: int) -> Path:
    """The folder with the work of a size."""
    folder = chosen.folder / str(rows)
    wanted = [scenario for scenario in SCENARIOS if scenario.name in chosen.scenarios]
    if seconds := generate(folder, rows, wanted):
        _console.print(f"{rows:,} rows made: {', '.join(f'{name} {s} s' for name, s in seconds.items())}")
    python = ROOT / ".venv" / "bin" / "python"
    done = subprocess.run([str(python), "-m", "benchmarks.state", str(folder), *chosen.scenarios], cwd=ROOT)
    if done.returncode:
        raise SystemExit("The states could not be made.")
    return folder


def measure(chosen: Choice, scenario: Path, rows: int) -> set[str]:
    """Measure each contender in rounds, and write the figures after each; those that failed."""
    names = [n for n in chosen.contenders if not (n == "floor" and scenario.name == FIRST_LOAD.name)]
    expected = {
        int(k): (v[0], v[1]) for k, v in json.loads((scenario / "expected.json").read_text()).items()
    }
    before = _before(rows, scenario.name) if chosen.more else None
    checked = {name for name, runs in before.runs.items() if runs} if before else set()
    place = chosen.folder / "runs"
    place.mkdir(parents=True, exist_ok=True)
    runs: dict[str, list[Measured]] = defaultdict(list)
    failed: set[str] = set()
    for turn in range(chosen.rounds):
        # Each round begins with another contender, so that none always follows the same one.
        order = names[turn % len(names) :] + names[: turn % len(names)]
        for name in order:
            if name in failed:
                continue
            check = turn == 0 and name not in checked
            try:
                run = run_once(name, scenario, place, chosen.memory, warm=chosen.warm, check=check)
            except ContenderFailed as error:
                _console.print(str(error))
                failed.add(name)
                continue
            if run.silver is not None and (wrong := differences(expected, run.silver)):
                sentence = f"{name} makes another Silver of {scenario.name}, so its time is not told"
                _console.print(f"{sentence}: {'; '.join(wrong[:5])}")
                failed.add(name)
            else:
                runs[name].append(run)
            seconds = f"start {run.start_s} s, {run.cold_s} s, {run.parts}"
            _console.print(f"{rows:,} {scenario.name} {turn} {name}: {seconds}")
        if runs:
            case = with_runs_of(_case(chosen, scenario, rows, dict(runs)), before)
            _write(case)
            show(case, Console(width=200))
    return failed


def _before(rows: int, scenario: str) -> Case | None:
    return next((case for case in read_cases(_FIGURES) if case.name == (rows, scenario)), None)


def _case(chosen: Choice, scenario: Path, rows: int, runs: dict[str, list[Measured]]) -> Case:
    return Case(
        rows,
        scenario.name,
        _delivered(scenario),
        runs,
        command=chosen.command,
        made=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        machine=f"{os.cpu_count()} cores, {platform.machine()}, JVM heap {chosen.memory}",
        revision=_revision(),
    )


def _revision() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _write(case: Case) -> None:
    cases = with_case(read_cases(_FIGURES), case)
    write_cases(_FIGURES, cases)
    write_page(ROOT, cases)
    draw(ROOT, cases)


def _delivered(scenario: Path) -> int:
    """Bytes of a delivery as Bronze has it."""
    return sum(file.stat().st_size for file in (scenario / "bronze").glob("*.parquet"))


if __name__ == "__main__":
    sys.exit(main())
