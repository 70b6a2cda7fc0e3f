"""The figures as a table in the terminal, in docs/benchmarks.md, and as a plot."""

import statistics
from collections.abc import Callable
from pathlib import Path

from matplotlib import pyplot
from rich.console import Console
from rich.table import Table

from benchmarks.contenders import CONTENDERS
from benchmarks.figures import Case
from benchmarks.measure import Measured

#: Between these lines of docs/benchmarks.md stand the figures; the rest is people's.
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of the figures -->"
_MB = 1e6


COLUMNS = (
    "contender", "runs", "start s", "cold s", "warm s", "cold ÷ pipeline", "start + cold ÷", "warm ÷",
    "memory MB", "written MB", "written ÷ batch", "files +", "files -", "commits", "read MB", "files read",
    "Spark's jobs", "stages", "tasks", "shuffles", "shuffled MB",
)  # fmt: skip
#: Counts of spark_work.SparkWork for the last columns, and what they are divided by.
_COUNTS = (
    ("files_read", 1),
    ("jobs", 1),
    ("stages", 1),
    ("tasks", 1),
    ("shuffles", 1),
    ("shuffle_bytes", _MB),
)


def show(case: Case, console: Console) -> None:
    """One case as a table; contenders from the fastest to the slowest."""
    table = Table(title=f"{case.rows:,} rows in Silver, {case.scenario}: medians")
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
        return _ratio(theirs / mine) if mine and theirs is not None else "-"

    def counted(runs: list[Measured], name: str, per: float) -> str:
        value = median(runs, lambda run: run.work.get(name))
        return f"{value / per:,.0f}" if value is not None else "-"

    made = []
    for name, runs in sorted(measured.items(), key=lambda item: median(item[1], lambda r: r.cold_s) or 0):
        warm, written = (
            median(runs, lambda r: r.warm_s),
            median(runs, lambda r: r.written.bytes_written) or 0,
        )
        made.append(
            [
                name,
                str(len(runs)),
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
                f"{median(runs, lambda r: r.written.commits):.0f}",
                f"{(median(runs, lambda r: r.read_bytes) or 0) / _MB:,.0f}",
                *(counted(runs, name, per) for name, per in _COUNTS),
            ]
        )
    return made


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def write_page(root: Path, cases: list[Case]) -> None:
    """Write all cases into docs/benchmarks.md."""
    page = root / "docs" / "benchmarks.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{_markdown(cases)}{END}{after}")


def _markdown(cases: list[Case]) -> str:
    parts = []
    for case in cases:
        parts.append(f"\n### {case.rows:,} rows in Silver, {case.scenario}\n")
        parts.append(f"Medians; made by `{case.command}` on {case.machine} ({_when(case)}).\n")
        parts.append(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        parts += [f"| {' | '.join(line)} |" for line in lines(case)]
    return "\n".join(parts) + "\n"


def _when(case: Case) -> str:
    return f"{case.made[:10]}, {case.revision}" if case.revision else case.made[:10]


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
