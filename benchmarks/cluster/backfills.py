"""Many days at the same time: `python -m benchmarks.cluster.backfills [DAYS] [AT_ONCE...]`.

In what `make deploy` has installed, the sample feed's first DAYS days (8) come into an empty lake as
one backfill in Airflow, AT_ONCE (1, then 8) of them at the same time. Every table must then be as after
the same days one after the other in this process. Prints for each the seconds until the last run has
ended, and how often tasks were tried in all. The cluster's lake is emptied. Runs in .venv with the jars
for S3 (`make setup-s3`).
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
from pydantic import SecretStr
from pyspark.sql import SparkSession

from deploy import __main__ as platform
from spark_jobs.contracts.contract import read_contract
from spark_jobs.jobs.runner import run_days
from spark_jobs.sample_feed import write_sample_feed
from spark_jobs.settings import CONTRACT, Settings
from tests.e2e.cluster import wait_until
from tests.e2e.deployed import PIPELINE, day_ended, tasks_of_day
from tests.e2e.servers import session_on
from tests.lakes import DAY, TestLake

#: The jobs' tasks; the others start no pod.
_TASKS = ("ingest_raw_data", "etl_process", "load_processed_data", "aggregate_data")
_LONGEST = 3600


def main() -> None:
    """Run the backfills; exit code 1 where a table is not as it must be."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    days = [str(DAY.replace(day=number)) for number in range(1, count + 1)]
    platform.put_deliveries(days[0], days[-1])
    keys, wrong = platform.s3_keys(), []
    environment = {
        "AWS_ACCESS_KEY_ID": keys["access-key-id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret-access-key"],
    }
    os.environ |= environment
    with (
        tempfile.TemporaryDirectory() as folder,
        platform.forwarded(platform.AIRFLOW, f"service/{platform.AWS_LOCAL}", 5000) as port,
        session_on(url := f"http://127.0.0.1:{port}", Path(folder) / "spark.log") as spark,
    ):
        expected = _embedded(spark, Path(folder), days)
        for at_once in map(int, sys.argv[2:] or ("1", str(count))):
            _empty_lake(url)
            told = _backfill(days, at_once)
            spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # pyright: ignore
            found = _lake(spark, "s3a://mlb/landing", "s3a://mlb/lake").content()
            differ = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
            wrong += differ
            print(json.dumps({**told, "tables_that_differ": differ}), flush=True)
    sys.exit(bool(wrong))


def _backfill(days: list[str], at_once: int) -> dict[str, Any]:
    """Run the days, and tell how long that took and what became of them."""
    with platform.airflow() as api:
        api.unpause(PIPELINE)
        before = {day: _tries(tasks_of_day(api, day)) for day in days}
        known = {day: api.starts_of_day(PIPELINE, day) for day in days}
        started = time.monotonic()
        api.backfill(PIPELINE, days[0], days[-1], at_once=at_once)
        wait_until(lambda: all(api.starts_of_day(PIPELINE, day) - known[day] for day in days), _LONGEST)
        states = [day_ended(api, day) for day in days]
        seconds = time.monotonic() - started
        tries = sum(_tries(tasks_of_day(api, day)) - before[day] for day in days)
    return {
        "days": len(days),
        "at_once": at_once,
        "seconds": round(seconds),
        "succeeded": states.count("success"),
        "tries": tries,
        "tasks": len(_TASKS) * len(days),
    }


def _tries(tasks: dict[str, dict[str, Any]]) -> int:
    return sum(tasks[name]["try_number"] for name in _TASKS if name in tasks)


def _embedded(spark: SparkSession, folder: Path, days: list[str]) -> dict[str, str]:
    write_sample_feed(folder / "landing")
    lake = _lake(spark, str(folder / "landing"), str(folder / "lake"))
    dates = [DAY.fromisoformat(day) for day in days]
    run_days(spark, lake.settings, lake.contract, dates, lambda run: None)
    return lake.content()


def _lake(spark: SparkSession, landing: str, place: str) -> TestLake:
    key = SecretStr(platform.secret(platform.SPARK, "mlb-pseudonym-key")["key"])
    return TestLake(
        spark, read_contract(CONTRACT), Settings(landing=landing, lake=place, pseudonym_key=key)
    )


def _empty_lake(url: str) -> None:
    s3: Any = boto3.resource("s3", endpoint_url=url, region_name="us-east-1")
    s3.Bucket("mlb").objects.filter(Prefix="lake/").delete()


if __name__ == "__main__":
    main()
