"""A day of the real feed beside what starting Spark costs: `python -m benchmarks.day [ROUNDS] [DATE]`.

The sample feed's days before DATE are brought to Gold once. Then each round brings DATE into a copy of that
lake as four processes (a job each), into another as one process (`spark-jobs run`), and starts and stops a
bare Spark session of the pipeline's settings. Prints medians, and what the day costs in bare starts: the
goals are two for each of the four jobs, and one in one process beyond its own. Runs in .venv.
"""

import datetime as dt
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

JOBS = ("ingest", "etl", "load", "aggregate")
FIRST = dt.date(2023, 10, 1)
_BIN = Path(sys.executable).parent
_BARE = (
    "from spark_jobs.lake.session import start_session, stop_session; "
    "from spark_jobs.settings import Settings; "
    "stop_session(start_session(Settings(lake='lake', spark_log='spark.log')))"
)


def main() -> None:
    """Run the rounds and print the medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    date = dt.date.fromisoformat(sys.argv[2]) if len(sys.argv) > 2 else dt.date(2023, 10, 4)
    measured: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before"
        before.mkdir()
        _spark_jobs(before, "sample-feed")
        _spark_jobs(before, "run", "--from", str(FIRST), "--to", str(date - dt.timedelta(days=1)))
        for turn in range(rounds):
            ways = {"four processes": _four, "one process": _one, "bare": _bare}
            # Each round begins with another.
            names = list(ways)[turn % 3 :] + list(ways)[: turn % 3]
            for name in names:
                copy = Path(folder) / "copy"
                shutil.copytree(before, copy)
                for part, seconds in ways[name](copy, date).items():
                    measured[part].append(seconds)
                    print(f"{turn} {part}: {seconds:.1f} s", file=sys.stderr, flush=True)
                shutil.rmtree(copy)
    _show({name: statistics.median(seconds) for name, seconds in measured.items()}, date)


def _four(place: Path, date: dt.date) -> dict[str, float]:
    seconds = {job: _spark_jobs(place, job, "--date", str(date)) for job in JOBS}
    return {**seconds, "four processes": sum(seconds.values())}


def _one(place: Path, date: dt.date) -> dict[str, float]:
    return {"one process": _spark_jobs(place, "run", "--date", str(date))}


def _bare(place: Path, date: dt.date) -> dict[str, float]:
    return {"bare": _timed(place, sys.executable, "-c", _BARE)}


def _spark_jobs(place: Path, *arguments: str) -> float:
    return _timed(place, str(_BIN / "spark-jobs"), *arguments)


def _timed(place: Path, *command: str) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLB_")}
    started = time.monotonic()
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.monotonic() - started


def _show(medians: dict[str, float], date: dt.date) -> None:
    bare = medians["bare"]
    print(f"{date}, medians of seconds; a bare start and stop takes {bare:.1f}")
    for name, seconds in medians.items():
        starts = 4 if name == "four processes" else 1
        print(f"  {name:15} {seconds:6.1f} s   {seconds / (bare * starts):.2f} of {starts} bare")


if __name__ == "__main__":
    main()
