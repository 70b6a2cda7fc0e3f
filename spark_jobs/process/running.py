"""What surrounds every run: SIGTERM may end it, and the log says which run a line belongs to."""

import contextlib
from collections.abc import Iterator

from pyspark import SparkContext
from pyspark.sql import SparkSession

from spark_jobs.ledger import Run
from spark_jobs.process.logs import logging_run
from spark_jobs.process.stopping import stoppable

_active: list[Run] = []


@contextlib.contextmanager
def running(spark: SparkSession, run: Run) -> Iterator[None]:
    """The part of a run that does the work; raises JobStopped where SIGTERM ended it."""
    with logging_run(run), _named_in_spark_log(spark.sparkContext, run), stoppable(spark.sparkContext, run):
        yield


@contextlib.contextmanager
def _named_in_spark_log(context: SparkContext, run: Run) -> Iterator[None]:
    """Name the run in the lines of Spark's own log (log4j2-template.json) while it is the only one."""
    _active.append(run)
    _name_the_only(context)
    try:
        yield
    finally:
        _active.remove(run)
        _name_the_only(context)


def _name_the_only(context: SparkContext) -> None:
    # Of two at once, most of Spark's threads work for both.
    named = {"job": "", "delivery_date": "", "run_id": ""}
    if len(_active) == 1:
        run = _active[0]
        named = {"job": run.job, "delivery_date": str(run.delivery_date or ""), "run_id": run.run_id}
    jvm = context._jvm
    for name, value in named.items():
        jvm.java.lang.System.setProperty(f"mlb.{name}", value)  # pyright: ignore
