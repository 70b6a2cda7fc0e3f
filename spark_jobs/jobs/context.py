"""What every job is given: the settings, the contract, the lake and the run that it fills in."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import SparkSession

from spark_jobs.contracts.contract import Contract
from spark_jobs.gold import GOLD
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import LOADS, DatasetTables, Table, dataset_tables
from spark_jobs.ledger import Run, new_run_id
from spark_jobs.settings import Settings


@dataclass(frozen=True)
class JobContext:
    """One run of one job, over one delivery or (`delivery_date` is None) over the whole lake."""

    settings: Settings
    contract: Contract
    tables: DatasetTables
    lake: Lake
    run: Run
    delivery_date: dt.date | None

    @property
    def spark(self) -> SparkSession:
        """The session."""
        return self.lake.spark

    @property
    def date(self) -> dt.date:
        """The day of the delivery, for a job that has one."""
        if self.delivery_date is None:
            raise ValueError(f"{self.run.job} has no delivery.")
        return self.delivery_date

    @property
    def published(self) -> tuple[Table, ...]:
        """Silver, Gold and what Silver comes from: the tables whose versions make a point."""
        tables = self.tables
        silver = (tables.current, tables.history, tables.identity)
        return (tables.staging, LOADS, *silver, *(table for table, _ in GOLD))

    def versions(self) -> dict[str, int]:
        """The present versions of the published tables; -1 where one is not there."""
        return {table.name: self.lake.version(table) for table in self.published}


Job = Callable[[JobContext], object]


def job_context(
    spark: SparkSession, settings: Settings, contract: Contract, job: str, date: dt.date | None
) -> JobContext:
    """A context for a run that starts now."""
    lake = Lake(spark, settings.lake_root)
    run = Run(
        run_id=settings.run_id or new_run_id(),
        job=job,
        dataset=contract.dataset,
        contract_version=contract.version,
        delivery_date=date,
        started_at=dt.datetime.now(dt.UTC),
        versions_read=lake.versions_read,
        versions_written=lake.versions_written,
    )
    return JobContext(settings, contract, dataset_tables(contract), lake, run, date)
