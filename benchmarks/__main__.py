"""`make bench`: the pipeline beside what people would use in its place, in one run, as ratios.

    MLB_BENCH_ROWS=1000000          rows of Silver; several sizes separated by commas
    MLB_BENCH_SCENARIOS=1pct-clustered    deliveries, or `all`
    MLB_BENCH_CONTENDERS=all        or some of them
    MLB_BENCH_ROUNDS=5              timed rounds; one more before them checks each contender's Silver
    MLB_BENCH_MEMORY=2g             heap of a JVM
    MLB_BENCH_FOLDER=build/bench    where the work is made, and kept for the next time
    MLB_BENCH_WARM=1                0 leaves out the second delivery into the same process

Contenders take turns within a round, each in a process of its own, from the same state. A contender whose
Silver is not what the oracle says is not timed, and the bench fails. Runs in .venv-bench.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.contenders import CONTENDERS
from benchmarks.generate import FIRST_LOAD, SCENARIOS, generate
from benchmarks.measure import ROOT, ContenderFailed, Measured, run_once
from benchmarks.oracle import differences
from benchmarks.report import Case, show, write_figures

_console = Console(stderr=True)


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
    )


def main() -> None:
    """Make the work, check and measure the contenders, show and write the figures."""
    chosen = choice(dict(os.environ))
    cases: list[Case] = []
    for rows in chosen.sizes:
        folder = prepare(chosen, rows)
        for name in chosen.scenarios:
            runs = measure(chosen, folder, name, rows)
            cases.append(Case(rows, name, _delivered(folder / name), runs))
            show(cases[-1], Console(width=170))
    write_figures(ROOT, cases, chosen.memory)


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


def measure(chosen: Choice, folder: Path, scenario: str, rows: int) -> dict[str, list[Measured]]:
    """The runs of each contender, in rounds."""
    names = [name for name in chosen.contenders if not (name == "floor" and scenario == FIRST_LOAD.name)]
    expected = {
        int(k): (v[0], v[1])
        for k, v in json.loads((folder / scenario / "expected.json").read_text()).items()
    }
    runs: dict[str, list[Measured]] = defaultdict(list)
    place = chosen.folder / "runs"
    place.mkdir(parents=True, exist_ok=True)
    failed: set[str] = set()
    for turn in range(chosen.rounds + 1):
        # Each round begins with another contender, so that none always follows the same one.
        order = names[turn % len(names) :] + names[: turn % len(names)]
        for name in order:
            if name in failed:
                continue
            try:
                run = run_once(
                    name, folder / scenario, place, chosen.memory, warm=chosen.warm, check=turn == 0
                )
            except ContenderFailed as error:
                _console.print(str(error))
                failed.add(name)
                continue
            if run.silver is not None and (wrong := differences(expected, run.silver)):
                _console.print(
                    f"{name} makes another Silver of {scenario}, so it is not timed: {'; '.join(wrong[:5])}"
                )
                failed.add(name)
            elif turn:
                runs[name].append(run)
            _console.print(
                f"{rows:,} {scenario} {turn} {name}: start {run.start_s} s, {run.cold_s} s, {run.parts}"
            )
    if failed:
        _console.print(f"Not measured: {', '.join(sorted(failed))}.")
    return runs


def _delivered(scenario: Path) -> int:
    """Bytes of a delivery as Bronze has it."""
    return sum(file.stat().st_size for file in (scenario / "bronze").glob("*.parquet"))


if __name__ == "__main__":
    sys.exit(main())
