"""A day of the real feed beside what starting Spark costs: `python -m benchmarks.day [ROUNDS] [DATE]`.

The sample feed's days before DATE are brought to Gold once. Then each round brings DATE into a copy of that
lake as four processes (a job each), into another as one process (`spark-jobs run`), and starts and stops a
bare Spark session: as PySpark comes, and for comparison with the pipeline's own settings and class-data
archive. Prints medians, and what the day costs in bare starts of PySpark's: the goals are two for each of
the four jobs, and one for each in one process. Runs in .venv, with MLB_COMPILER and MLB_DRIVER_MEMORY.
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

_PASSED = ("MLB_COMPILER", "MLB_DRIVER_MEMORY")
JOBS = ("ingest", "etl", "load", "aggregate")
FIRST = dt.date(2023, 10, 1)
_BIN = Path(sys.executable).parent
_BARE = "from pyspark.sql import SparkSession; SparkSession.builder.master('local[2]').getOrCreate().stop()"
_OWN_BARE = (
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
            ways = {"four processes": _four, "one process": _one, "bare": _bare, "own bare": _own_bare}
            # Each round begins with another.
            names = list(ways)[turn % len(ways) :] + list(ways)[: turn % len(ways)]
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


def _own_bare(place: Path, date: dt.date) -> dict[str, float]:
    return {"own bare": _timed(place, sys.executable, "-c", _OWN_BARE)}


def _spark_jobs(place: Path, *arguments: str) -> float:
    return _timed(place, str(_BIN / "spark-jobs"), *arguments)


def _timed(place: Path, *command: str) -> float:
    environment = {
        name: v for name, v in os.environ.items() if name in _PASSED or not name.startswith("MLB_")
    }
    started = time.monotonic()
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.monotonic() - started


def _show(medians: dict[str, float], date: dt.date) -> None:
    bare = medians["bare"]
    print(f"{date}, medians of seconds; a bare start and stop takes {bare:.1f}")
    for name, seconds in medians.items():
        starts = len(JOBS) if name in ("four processes", "one process") else 1
        print(f"  {name:15} {seconds:6.1f} s   {seconds / (bare * starts):.2f} of {starts} bare")


if __name__ == "__main__":
    main()
