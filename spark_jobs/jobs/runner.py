"""Runs a job: its row in the ledger, its exit code, and one sentence where it fails."""

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType

from pyspark import inheritable_thread_target
from pyspark.sql import SparkSession

from spark_jobs.contracts.contract import Contract
from spark_jobs.errors import JobError, JobStopped
from spark_jobs.jobs.aggregate import aggregate
from spark_jobs.jobs.context import Job, JobContext, job_context
from spark_jobs.jobs.etl import etl
from spark_jobs.jobs.ingest import ingest
from spark_jobs.jobs.load import load
from spark_jobs.jobs.unfinished import refuse_while_unfinished
from spark_jobs.lake.lake import Lake
from spark_jobs.ledger import Run, record
from spark_jobs.lineage.emit import lineage_told
from spark_jobs.process.failure import failure_sentence
from spark_jobs.process.measures import measured
from spark_jobs.process.running import running
from spark_jobs.settings import Settings
from spark_jobs.usual import Passed

log = logging.getLogger(__name__)
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
    with lineage_told(settings, contract, context.lake, context.run):
        _run_to_its_end(context, job or STAGES[name])
        _record(context.lake, context.run)
    return context.run


def _run_to_its_end(context: JobContext, job: Job) -> None:
    run, story = context.run, f"The whole story is in {context.settings.log_place}."
    try:
        with (
            measured(context.lake, run),
            running(context.spark, run),
            context.lake.signed(run.signature()),
        ):
            refuse_while_unfinished(context)
            job(context)
        run.finish(0)
    except JobError as error:
        run.finish(error.exit_code, str(error), error.for_others)
    except Exception as error:  # the boundary: everything else is told in a sentence, and logged
        _log(run, error)
        run.finish(1, f"{failure_sentence(error)} {story}", f"{type(error).__name__}. {story}")


def run_days(
    spark: SparkSession,
    settings: Settings,
    contract: Contract,
    dates: list[dt.date],
    watch: Callable[[Run], None],
    passed: Mapping[dt.date, Passed] = MappingProxyType({}),
) -> list[Run]:
    """Run all four stages for each day; `watch` is told of each run that has ended.

    Days follow each other in order, in two lanes: while one day's staged batch goes to Silver and
    Gold, the next day is ingested and staged. A day whose delivery is missing, refused or unusual is left
    after the stage that says so, and the next day goes on; any other failure ends it all, since it
    would befall the next day too. `passed` are unusual deliveries that are to be loaded all the same.
    """
    runs: list[Run] = []

    def one(lane: SparkSession, date: dt.date, name: str) -> Run:
        job = partial(load, passed=passed.get(date)) if name == "load" else None
        run = run_job(lane, settings, contract, name, date, job)
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
            if staged.exit_code:
                continue
            published = both(date, "load", "aggregate")
            if published.exit_code and not _concerns_its_day_only(published):
                break
    return runs


def _concerns_its_day_only(run: Run) -> bool:
    """Whether a failure is the delivery's: bad data, or one that is not there."""
    return run.exit_code == 3 or (run.job == "ingest" and run.exit_code == 1)


def exit_code(runs: list[Run]) -> int:
    """The exit code of several runs: stopped (143), else bad data (3) before anything worth a retry (1)."""
    codes = {run.exit_code for run in runs}
    return next((code for code in (JobStopped.exit_code, 3, 2, 1) if code in codes), 0)


def _record(lake: Lake, run: Run) -> None:
    try:
        record(lake, run)
    except Exception as error:  # the run has already ended; say that its row is missing
        _log(run, error)
        sentence = failure_sentence(error)
        why = "." if sentence in (run.error or "") else f": {sentence}"
        said = f"The ledger has no row of this run{why}"
        others = f"{run.error_for_others or ''} The ledger has no row of this run.".strip()
        run.finish(run.exit_code or 1, f"{run.error} {said}" if run.error else said, others)


def _log(run: Run, error: Exception) -> None:
    log.error("%s of %s failed.", run.job, run.delivery_date, exc_info=error, extra={"run": run})
