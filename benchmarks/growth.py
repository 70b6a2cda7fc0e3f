"""What a delivery costs when many came before it: logs, checkpoints, small files. `make growth`.

A thousandth of the rows comes into Silver every day, with upkeep every seventh; each delivery's figures are
a line of docs/growth.json, and docs/growth.svg is drawn of them; at the end the medians of each ten are
printed. Settings, as environment variables: MLB_GROWTH_ROWS (1000000), MLB_GROWTH_DELIVERIES (365) and
MLB_GROWTH_UPKEEP (7; 0: never). Runs in .venv-bench.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from matplotlib import pyplot

from benchmarks.generate import generate, generate_days

ROOT = Path(__file__).parents[1]
_FIGURES, _PLOT = ROOT / "docs" / "growth.json", ROOT / "docs" / "growth.svg"
_SHARE = 0.001
#: The plots: a title, the figures that each draws, and what they are divided by.
_PLOTS = (
    ("seconds", ("etl", "load"), 1),
    ("Spark's jobs", ("jobs",), 1),
    ("MB read by Spark", ("bytes_read",), 1e6),
    ("files", ("files", "log_files"), 1),
)


def main() -> None:
    """Make the work, deliver, and draw after every tenth delivery."""
    rows, deliveries, every = (
        os.environ.get(f"MLB_GROWTH_{name}", default)
        for name, default in (("ROWS", "1000000"), ("DELIVERIES", "365"), ("UPKEEP", "7"))
    )
    folder = ROOT / "build" / "bench" / rows
    generate(folder, int(rows), [])
    if len(list((folder / "days").glob("*"))) < int(deliveries):
        generate_days(folder, int(rows), int(deliveries), _SHARE)
    python = [str(ROOT / ".venv" / "bin" / "python"), "-m"]
    subprocess.run([*python, "benchmarks.state", str(folder)], cwd=ROOT, check=True)
    command = [*python, "benchmarks.deliveries", str(folder), deliveries, every]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    lines: list[dict[str, float]] = []
    for text in process.stdout or ():
        print(text, end="", flush=True)
        if not text.startswith("{"):
            continue  # Delta's VACUUM says there what it has deleted
        lines.append(json.loads(text))
        if len(lines) % 10 == 0:
            _write(lines)
    _write(lines)
    _show(lines)
    sys.exit(process.wait())


def _show(lines: list[dict[str, float]]) -> None:
    """Print the medians of each ten deliveries."""
    names = [name for _, chosen, _ in _PLOTS for name in chosen]
    print("deliveries", *names, sep=" | ")
    for first in range(0, len(lines), 10):
        ten = lines[first : first + 10]
        medians = (round(statistics.median(line[name] for line in ten), 1) for name in names)
        print(f"{first + 1} to {first + len(ten)}", *medians, sep=" | ")


def _write(lines: list[dict[str, float]]) -> None:
    _FIGURES.write_text("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n")
    figure, axes = pyplot.subplots(1, len(_PLOTS), figsize=(4 * len(_PLOTS), 3.5))
    numbers = [line["delivery"] for line in lines]
    for axis, (title, names, per) in zip(axes, _PLOTS, strict=True):
        for name in names:
            axis.plot(numbers, [line[name] / per for line in lines], label=name.replace("_", " "))
        axis.set(title=title, xlabel="deliveries", ylim=(0, None))
        axis.legend()
    figure.tight_layout()
    figure.savefig(_PLOT, metadata={"Date": None})
    pyplot.close(figure)


if __name__ == "__main__":
    main()
