"""Bronze rows as the stages after it see them."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.jobs.context import JobContext
from spark_jobs.quarantine.attempts import decided, undecided


def bronze_as_decided(job: JobContext, dates: Sequence[date]) -> DataFrame:
    """The rows of some deliveries as they came, and of each what people have since decided."""
    of_days = F.col("_delivery_date").isin(*dates)
    bronze = job.lake.read(job.tables.bronze).where(of_days)
    if not job.lake.exists(job.tables.attempts):
        return undecided(bronze)
    return decided(bronze, job.lake.read(job.tables.attempts).where(of_days), job.contract)
