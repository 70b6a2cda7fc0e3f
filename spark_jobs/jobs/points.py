"""The consistent points of the ledger: the tables' versions that belong together."""

import datetime as dt
from dataclasses import dataclass

from pyspark.sql import functions as F

from spark_jobs.contracts.contract import Contract
from spark_jobs.errors import UsageError
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import dataset_tables
from spark_jobs.lake.travel import stamp, utc
from spark_jobs.ledger import points


@dataclass(frozen=True)
class Point:
    """The tables' versions by name since the end of a run; `silver` is that of the current table."""

    at: dt.datetime
    job: str
    delivery_date: dt.date | None
    silver: int
    versions: dict[str, int]

    def __str__(self) -> str:
        of = f" of {self.delivery_date}" if self.delivery_date else ""
        return f"{self.silver} ({self.job}{of}, {stamp(self.at)})"


def read_points(lake: Lake, contract: Contract) -> list[Point]:
    """All points, the oldest first."""
    at = F.unix_micros("finished_at").alias("micros")
    rows = points(lake, contract.dataset).select(at, "job", "delivery_date", "point").collect()
    silver = dataset_tables(contract).current.name
    found = [
        Point(utc(r["micros"]), r["job"], r["delivery_date"], r["point"][silver], r["point"]) for r in rows
    ]
    return sorted(found, key=lambda point: point.at)


def point_of_version(known: list[Point], version: int) -> Point:
    """The newest point at which Silver had a version. Raises UsageError that names the nearest ones."""
    found = [point for point in known if point.silver == version]
    if found:
        return found[-1]
    before = [point for point in known if point.silver < version]
    after = [point for point in known if point.silver > version]
    nearest = [
        *([max(before, key=lambda point: point.silver)] if before else []),
        *([min(after, key=lambda point: point.silver)] if after else []),
    ]
    raise UsageError(
        f"Silver's version {version} is no consistent point of the ledger; the nearest are "
        f"{' and '.join(map(str, nearest))}. `spark-jobs history` lists them all."
    )


def point_at(known: list[Point], at: dt.datetime) -> Point:
    """The newest point at or before a time. Raises UsageError where the first is later."""
    past = [point for point in known if point.at <= at]
    if not past:
        raise UsageError(
            f"The ledger has no consistent point of {stamp(at)} or before; the first is {known[0]}."
        )
    return past[-1]
