"""Runs a job: its row in the ledger, its exit code, and one sentence where it fails."""

import datetime as dt
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from py4j.protocol import Py4JError
from pyspark import inheritable_thread_target
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from spark_jobs.contracts.contract import Contract
from spark_jobs.errors import JobError
from spark_jobs.jobs.aggregate import aggregate
from spark_jobs.jobs.context import Job, job_context
from spark_jobs.jobs.etl import etl
from spark_jobs.jobs.ingest import ingest
from spark_jobs.jobs.load import load
from spark_jobs.lake.lake import Lake
from spark_jobs.ledger import Run, record
from spark_jobs.settings import Settings

#: The stages in the order of the data.
STAGES: dict[str, Job] = {"ingest": ingest, "etl": etl, "load": load, "aggregate": aggregate}


def run_job(
    spark: SparkSession,
    settings: Settings,
    contract: Contract,
    name: str,
    date: dt.date | None,
    job: Job | None = None,
) -> Run:
    """Run one job to its end, whatever that is, and leave its row in the ledger."""
    context = job_context(spark, settings, contract, name, date)
    run = context.run
    try:
        with context.lake.signed(run.signature()):
            (job or STAGES[name])(context)
        run.finish(0)
    except JobError as error:
        run.finish(error.exit_code, str(error))
    except Exception as error:  # the boundary: everything else is told in a sentence, and logged
        _log(settings, error)
        run.finish(1, f"{_sentence(error)} The whole story is in {settings.spark_log}.")
    _record(context.lake, run, settings)
    return run


def run_days(
    spark: SparkSession,
    settings: Settings,
    contract: Contract,
    dates: list[dt.date],
    watch: Callable[[Run], None],
) -> list[Run]:
    """Run all four stages for each day; `watch` is told of each run that has ended.

    Days follow each other in order, in two lanes: while one day's staged batch goes to Silver and
    Gold, the next day is ingested and staged. A day whose delivery is missing or refused is left
    after the stage that says so, and the next day goes on; any other failure ends it all, since it
    would befall the next day too.
    """
    runs: list[Run] = []

    def one(lane: SparkSession, date: dt.date, name: str) -> Run:
        run = run_job(lane, settings, contract, name, date)
        runs.append(run)
        watch(run)
        return run

    def both(date: dt.date, first: str, second: str) -> Run:
        run = one(lanes[first], date, first)
        return run if run.exit_code else one(lanes[first], date, second)

    # A session of its own for the second lane: what its commits are signed with is a session's setting.
    lanes = {"ingest": spark.newSession(), "load": spark}
    stage = inheritable_thread_target(lanes["ingest"])(both)
    with ThreadPoolExecutor(1) as beside:
        staging = beside.submit(stage, dates[0], "ingest", "etl")
        for date, next_date in zip(dates, [*dates[1:], None], strict=True):
            staged = staging.result()
            if staged.exit_code and not _concerns_its_day_only(staged):
                break
            if next_date:
                staging = beside.submit(stage, next_date, "ingest", "etl")
            if not staged.exit_code and both(date, "load", "aggregate").exit_code:
                break
    return runs


def _concerns_its_day_only(run: Run) -> bool:
    """Whether a failure is the delivery's: bad data, or one that is not there."""
    return run.exit_code == 3 or (run.job == "ingest" and run.exit_code == 1)


def exit_code(runs: list[Run]) -> int:
    """The exit code of several runs: bad data (3) before anything worth a retry (1)."""
    codes = {run.exit_code for run in runs}
    return next((code for code in (3, 2, 1) if code in codes), 0)


def _record(lake: Lake, run: Run, settings: Settings) -> None:
    try:
        record(lake, run)
    except Exception as error:  # the run has already ended; say that its row is missing
        _log(settings, error)
        said = f"The ledger could not be written: {_sentence(error)}"
        run.finish(run.exit_code or 1, f"{run.error} {said}" if run.error else said)


def _sentence(error: Exception) -> str:
    """The first line of an error: Spark's messages go on for pages."""
    if isinstance(error, PySparkException):
        text = _message(error)
    elif isinstance(error, Py4JError):
        text = str(getattr(error, "java_exception", error))
    else:
        text = f"{type(error).__name__}: {error}"
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return first[:300].rstrip(".") + "."


def _message(error: PySparkException) -> str:
    try:
        return error.getMessage() or str(error)
    except Py4JError:  # Spark does not know the texts of Delta's errors
        return str(error)


def _log(settings: Settings, error: Exception) -> None:
    with settings.spark_log.open("a", encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
