"""Many days at the same time: `python -m benchmarks.cluster.backfills [DAYS] [AT_ONCE...]`.

In what `make deploy` has installed, the sample feed's first DAYS days (8) come into an empty lake as
one backfill in Airflow, AT_ONCE (1, then 8) of them at the same time. Every table must then be as after
the same days one after the other in this process. Prints for each the seconds until the last run has
ended, and how often tasks were tried in all. The cluster's lake is emptied. Runs in .venv with the jars
for S3 (`make setup-s3`).
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deploy import __main__ as platform
from tests.e2e.deployed import (
    PIPELINE,
    STAGES,
    backfilled,
    embedded_lake,
    empty_lake,
    lake_at,
    tasks_of_day,
    use_s3_keys,
)
from tests.e2e.servers import session_on
from tests.lakes import DAY


def main() -> None:
    """Run the backfills; exit code 1 where a table is not as it must be."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    dates = [DAY.replace(day=number) for number in range(1, count + 1)]
    days, wrong = list(map(str, dates)), []
    platform.put_deliveries(days[0], days[-1])
    use_s3_keys()
    with (
        tempfile.TemporaryDirectory() as folder,
        platform.forwarded(platform.AIRFLOW, f"service/{platform.AWS_LOCAL}", 5000) as port,
        session_on(url := f"http://127.0.0.1:{port}", Path(folder) / "spark.log") as spark,
    ):
        expected = embedded_lake(spark, Path(folder), dates).content()
        for at_once in map(int, sys.argv[2:] or ("1", str(count))):
            empty_lake(url)
            told = _backfill(days, at_once)
            spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # pyright: ignore
            found = lake_at(spark, "s3a://mlb").content()
            differ = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
            wrong += differ
            print(json.dumps({**told, "tables_that_differ": differ}), flush=True)
    sys.exit(bool(wrong))


def _backfill(days: list[str], at_once: int) -> dict[str, Any]:
    """Run the days, and tell how long that took and what became of them."""
    with platform.airflow() as api:
        api.unpause(PIPELINE)
        before = sum(_tries(tasks_of_day(api, day)) for day in days)
        started = time.monotonic()
        states = backfilled(api, days, at_once)
        seconds = time.monotonic() - started
        tries = sum(_tries(tasks_of_day(api, day)) for day in days) - before
    return {
        "days": len(days),
        "at_once": at_once,
        "seconds": round(seconds),
        "succeeded": states.count("success"),
        "tries": tries,
        "tasks": len(STAGES) * len(days),
    }


def _tries(tasks: dict[str, dict[str, Any]]) -> int:
    return sum(tasks[name]["try_number"] for name in STAGES if name in tasks)


if __name__ == "__main__":
    main()
