"""Bronze rows as the stages after it see them."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.jobs.context import JobContext
from spark_jobs.quarantine.attempts import decided, undecided


def bronze_as_decided(job: JobContext, dates: Sequence[date]) -> DataFrame:
    """The rows of some deliveries as they came, and of each what people have since decided."""
    of_days = F.col("_delivery_date").isin(*dates)
    return _as_decided(job, job.lake.read(job.tables.bronze), of_days)


def all_bronze_as_decided(job: JobContext, version: int | None = None) -> DataFrame:
    """All rows of Bronze (at a version), and of each what people have decided by now."""
    return _as_decided(job, job.lake.read(job.tables.bronze, version), F.lit(True))


def _as_decided(job: JobContext, bronze: DataFrame, chosen: Column) -> DataFrame:
    if not job.lake.exists(job.tables.attempts):
        return undecided(bronze.where(chosen))
    return decided(bronze.where(chosen), job.lake.read(job.tables.attempts).where(chosen), job.contract)
