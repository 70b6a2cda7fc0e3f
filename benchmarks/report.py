"""The figures as a table in the terminal, as docs/benchmarks.md, as JSON, and as a plot."""

import datetime as dt
import json
import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib import pyplot
from rich.console import Console
from rich.table import Table

from benchmarks.contenders import CONTENDERS
from benchmarks.measure import Measured

#: Between these lines of docs/benchmarks.md stand the figures of the last run; the rest is people's.
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of the figures -->"
_MB = 1e6


@dataclass(frozen=True)
class Case:
    """A delivery into Silver of so many rows, and the runs of each contender."""

    rows: int
    scenario: str
    delivered_bytes: int
    runs: dict[str, list[Measured]]


COLUMNS = (
    "contender", "start s", "cold s", "warm s", "cold ÷ pipeline", "start + cold ÷", "warm ÷", "memory MB",
    "written MB", "written ÷ batch", "files +", "files -", "read MB",
)  # fmt: skip


def show(case: Case, console: Console) -> None:
    """One case as a table; contenders from the fastest to the slowest."""
    rounds = min((len(runs) for runs in case.runs.values()), default=0)
    table = Table(title=f"{case.rows:,} rows in Silver, {case.scenario}: medians of {rounds}")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "contender" else "right")
    for line in lines(case):
        table.add_row(*line, style="bold" if line[0] == "pipeline" else None)
    console.print(table)


def lines(case: Case) -> list[list[str]]:
    """The table's rows as text."""
    measured = {name: runs for name, runs in case.runs.items() if runs}
    ours = measured.get("pipeline")

    def median(runs: list[Measured], value: Callable[[Measured], float | None]) -> float | None:
        values = [v for run in runs if (v := value(run)) is not None]
        return statistics.median(values) if values else None

    def ratio(runs: list[Measured], value: Callable[[Measured], float | None]) -> str:
        mine, theirs = median(ours, value) if ours else None, median(runs, value)
        return f"{theirs / mine:.2f}" if mine and theirs is not None else "-"

    made = []
    for name, runs in sorted(measured.items(), key=lambda item: median(item[1], lambda r: r.cold_s) or 0):
        warm, written = (
            median(runs, lambda r: r.warm_s),
            median(runs, lambda r: r.written.bytes_written) or 0,
        )
        made.append(
            [
                name,
                f"{median(runs, lambda r: r.start_s):.1f}",
                f"{median(runs, lambda r: r.cold_s):.1f}",
                f"{warm:.1f}" if warm is not None else "-",
                ratio(runs, lambda r: r.cold_s),
                ratio(runs, lambda r: r.start_s + r.cold_s),
                ratio(runs, lambda r: r.warm_s),
                f"{(median(runs, lambda r: r.peak_bytes) or 0) / _MB:,.0f}",
                f"{written / _MB:,.1f}",
                f"{written / case.delivered_bytes:.1f}",
                f"{median(runs, lambda r: r.written.files_added):.0f}",
                f"{median(runs, lambda r: r.written.files_removed):.0f}",
                f"{(median(runs, lambda r: r.read_bytes) or 0) / _MB:,.0f}",
            ]
        )
    return made


def write_figures(root: Path, cases: list[Case], memory: str) -> None:
    """Write docs/benchmarks.json, and the figures into docs/benchmarks.md."""
    settings = {
        n: v
        for n, v in sorted(os.environ.items())
        if n.startswith("MLB_BENCH_") and n != "MLB_BENCH_FOLDER"
    }
    command = " ".join([*(f"{name}={value}" for name, value in settings.items()), "make bench"])
    figures = {
        "command": command,
        "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, JVM heap {memory}",
        "cases": [
            {
                "rows": case.rows,
                "scenario": case.scenario,
                "delivered_bytes": case.delivered_bytes,
                "runs": {name: [run.as_json() for run in runs] for name, runs in case.runs.items()},
            }
            for case in cases
        ],
    }
    draw(root, cases)
    (root / "docs" / "benchmarks.json").write_text(json.dumps(figures, indent=1) + "\n")
    page = root / "docs" / "benchmarks.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{_markdown(cases, figures)}{END}{after}")


def _markdown(cases: list[Case], figures: dict) -> str:
    parts = [f"Made by `{figures['command']}` on {figures['machine']} ({figures['made'][:10]}).\n"]
    for case in cases:
        rounds = min((len(runs) for runs in case.runs.values()), default=0)
        parts.append(f"\n### {case.rows:,} rows in Silver, {case.scenario} (medians of {rounds})\n")
        parts.append(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        parts += [f"| {' | '.join(line)} |" for line in lines(case)]
    return "\n".join(parts) + "\n"


def draw(root: Path, cases: list[Case]) -> None:
    """docs/benchmarks.svg: seconds and bytes written against rows, where there are several sizes."""
    scenarios = sorted({case.scenario for case in cases})
    if len({case.rows for case in cases}) < 2:
        return
    figure, axes = pyplot.subplots(len(scenarios), 2, figsize=(10, 4 * len(scenarios)), squeeze=False)
    for row, scenario in zip(axes, scenarios, strict=True):
        of_scenario = sorted(
            (case for case in cases if case.scenario == scenario), key=lambda case: case.rows
        )
        for axis, about, value in (
            (row[0], "seconds, cold", lambda run: run.cold_s),
            (row[1], "MB written", lambda run: run.written.bytes_written / _MB),
        ):
            for name in CONTENDERS:
                points = [
                    (c.rows, statistics.median(map(value, c.runs[name])))
                    for c in of_scenario
                    if c.runs.get(name)
                ]
                axis.plot(*zip(*points, strict=True), marker="o", label=name) if points else None
            axis.set(title=f"{scenario}: {about}", xlabel="rows in Silver", xscale="log", yscale="log")
        row[0].legend()
    figure.tight_layout()
    figure.savefig(root / "docs" / "benchmarks.svg", metadata={"Date": None})
