"""This pipeline: its own jobs etl and load, each with its row in the ledger."""

import datetime as dt
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pyspark.sql import SparkSession

from benchmarks.agreed import KEY, delivery_day
from benchmarks.contenders import Parts
from benchmarks.contenders.recipe import fingerprint_of
from spark_jobs.contracts.contract import read_contract
from spark_jobs.jobs.context import Job
from spark_jobs.jobs.runner import run_job
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.session import start_session
from spark_jobs.lake.tables import dataset_tables
from spark_jobs.settings import CONTRACT, Settings


def start(memory: str, log: Path, event_log: str | None = None) -> SparkSession:
    """The session that the jobs start."""
    return start_session(settings_of(log.parent, memory, log, event_log), "bench")


def settings_of(
    state: Path, memory: str = "2g", log: Path = Path("spark.log"), event_log: str | None = None
) -> Settings:
    """The settings of a run in a state."""
    return Settings(
        lake=str(state / "lake"),
        pseudonym_key=SecretStr(KEY),
        driver_memory=memory,
        compiler="c1",  # as the chart, the image and a command that names a day have it
        master="local[2]",
        spark_log=log,
        event_log=event_log,
    )


def date_of(bronze: Path) -> dt.date:
    """The day of a scenario's delivery."""
    return dt.date.fromisoformat(delivery_day(bronze))


def deliver(spark: SparkSession, bronze: Path, state: Path) -> Parts:
    """etl and load of the delivery, which is in Bronze already."""
    parts, date = Parts(), date_of(bronze)
    for job in ("etl", "load"):
        with parts.part(job):
            run = run_job(spark, settings_of(state), read_contract(CONTRACT), job, date)
        if run.exit_code:
            raise RuntimeError(f"{job} failed: {run.error}")
    return parts


def seconds_of(
    spark: SparkSession, state: Path, name: str, date: dt.date | None, job: Job | None = None
) -> float:
    """The seconds of another job in a state, as the ledger times it."""
    run = run_job(spark, settings_of(state), read_contract(CONTRACT), name, date, job)
    if run.exit_code:
        raise RuntimeError(f"{name} failed: {run.error}")
    return run.seconds


def silver(spark: SparkSession, state: Path) -> list[Any]:
    """Silver's fingerprint."""
    lake = Lake(spark, str(state / "lake"))
    return fingerprint_of(lake.read(dataset_tables(read_contract(CONTRACT)).current))
