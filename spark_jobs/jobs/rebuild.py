"""What Bronze gives under the contract of today: staging, Silver, history, identities and Gold, as frames.

The four stages for all deliveries at once. Nothing is read but what is passed in, and nothing is written.
"""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold import GOLD
from spark_jobs.jobs.aggregate import SILVER_COLUMNS
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.etl import reduce_deliveries, staged_rows, too_many
from spark_jobs.lake.tables import Table, identity_columns
from spark_jobs.ledger import DELIVERED, WHOLE, check_conservation
from spark_jobs.silver.batch import DUPLICATE, OUTCOMES, QUARANTINED, STAGED, SUPERSEDED
from spark_jobs.silver.versions import (
    HELD,
    current_rows,
    history_rows,
    hold_conflicts,
    identity_rows,
    resolve_versions,
)

Tables = list[tuple[Table, DataFrame]]


@dataclass(frozen=True)
class Staging:
    """All deliveries of Bronze as etl would stage them.

    `reduced` are Bronze's rows, each with its `_outcome`; `rows` those that are to be staged; `left_out`
    the dates of which too many rows are refused, and `held_of_left_out` (`_row_id`, `_reasons`,
    `_delivery_date`) what in those contradicts an earlier delivery. `counts` is what the ledger tells.
    """

    reduced: DataFrame
    rows: DataFrame
    dates: tuple[dt.date, ...]
    left_out: tuple[dt.date, ...]
    held_of_left_out: DataFrame
    counts: dict[dt.date, dict[str, int]]


def stage_all(job: JobContext, bronze: DataFrame, key: bytes) -> Staging:
    """Type, judge and reduce Bronze rows (as decided), and assert conservation for each delivery."""
    reduced = reduce_deliveries(job, bronze, key).localCheckpoint()
    staged = staged_rows(job, reduced)
    counts = _outcomes(job, bronze, reduced)
    dates = sorted(counts)
    left_out = [date for date in dates if _over(job, counts[date])]
    while True:
        held = _held(job, staged, [date for date in dates if date not in left_out])
        by_date = {row[0]: row[1] for row in held.groupBy("_delivery_date").count().collect()}
        over = [date for date in sorted(by_date) if _over(job, counts[date], by_date[date])]
        if not over:
            break
        # One at a time: what is held of later deliveries may depend on it.
        left_out.append(over[0])
    rows, held = staged.where(~of_dates(left_out)), _held_of(job, staged, dates, left_out)
    told = _told(counts, left_out, held)
    return Staging(reduced, rows, tuple(dates), tuple(sorted(left_out)), held, told)


def _told(
    counts: dict[dt.date, Counter[str]], left_out: list[dt.date], held: DataFrame
) -> dict[dt.date, dict[str, int]]:
    """What the ledger tells of each delivery."""
    held_back = Counter[dt.date]()
    if left_out:
        held_back.update({row[0]: row[1] for row in held.groupBy("_delivery_date").count().collect()})
    return {
        date: {
            DELIVERED: of_date.total(),
            **{outcome: of_date[outcome] for outcome in (DUPLICATE, SUPERSEDED)},
            STAGED: of_date[STAGED] - held_back[date],
            WHOLE: int(date in left_out),
        }
        for date, of_date in counts.items()
    }


def _outcomes(job: JobContext, bronze: DataFrame, reduced: DataFrame) -> dict[dt.date, Counter[str]]:
    """Each delivery's rows by outcome, those that people have rejected apart."""
    came_in = {row[0]: row[1] for row in bronze.groupBy("_delivery_date").count().collect()}
    counts: dict[dt.date, Counter[str]] = {date: Counter() for date in came_in}
    for row in reduced.groupBy("_delivery_date", "_outcome", "_rejected").count().collect():
        given_up = row["_rejected"] and row["_outcome"] == QUARANTINED
        counts[row["_delivery_date"]]["rejected" if given_up else row["_outcome"]] += row["count"]
    for date, rows_in in came_in.items():
        check_conservation(f"{job.run.job} of {date}", rows_in, dict(counts[date]))
    total = sum(counts.values(), Counter())
    job.run.rows["rows_in"] = total.total()
    job.run.rows.update({outcome: total[outcome] for outcome in (*OUTCOMES, "rejected")})
    return counts


def _over(job: JobContext, counts: Counter[str], held: int = 0) -> bool:
    rows_in = counts.total() - counts["rejected"]
    return too_many(job, counts[QUARANTINED] + held, rows_in)


def _held(job: JobContext, staged: DataFrame, dates: list[dt.date]) -> DataFrame:
    together = hold_conflicts(staged.where(of_dates(dates)), job.contract)
    held = together.where(F.col("_version") == HELD)
    return held.select("_row_id", "_reasons", "_delivery_date").localCheckpoint()


def _held_of(
    job: JobContext, staged: DataFrame, dates: list[dt.date], left_out: list[dt.date]
) -> DataFrame:
    """What etl holds back of the deliveries that it refuses then."""
    held = _held(job, staged, [])
    for date in left_out:
        earlier = [other for other in dates if other < date and other not in left_out]
        held = held.unionByName(_held(job, staged, [*earlier, date]).where(of_dates([date])))
    return held


def held_back(job: JobContext, staging: DataFrame, versions: DataFrame, loaded: list[dt.date]) -> DataFrame:
    """What contradicts an earlier delivery: as load says of loaded deliveries, and etl of the others."""
    held = versions.where(F.col("_version") == HELD).select("_row_id", "_reasons", "_delivery_date")
    rest = staging.where(~of_dates(loaded))
    if rest.isEmpty():
        return held
    dates = [row[0] for row in staging.select("_delivery_date").distinct().collect()]
    return held.unionByName(_held(job, staging, dates).where(~of_dates(loaded)))


def resolved(job: JobContext, staging: DataFrame, loaded: list[dt.date]) -> DataFrame:
    """The versions of all keys, from the loaded deliveries; conservation is asserted."""
    rows = staging.where(of_dates(loaded))
    versions = resolve_versions(rows, job.contract).localCheckpoint()
    meanings = {r["_version"]: r["count"] for r in versions.groupBy("_version").count().collect()}
    check_conservation(job.run.job, rows.where(~F.col("_retracted")).count(), meanings)
    return versions


def silver_tables(job: JobContext, versions: DataFrame) -> Tables:
    """Identities, history and current rows."""
    tables, contract = job.tables, job.contract
    return [
        (tables.identity, identity_rows(versions, contract, identity_columns(contract))),
        (tables.history, history_rows(versions, contract)),
        (tables.current, current_rows(versions, contract)),
    ]


def gold_tables(current: DataFrame) -> Tables:
    """The four Gold tables from the current table's rows."""
    employments = current.where(~F.col("is_deleted")).select(*SILVER_COLUMNS).localCheckpoint()
    return [(table, compute(employments)) for table, compute in GOLD]


def refused(reduced: DataFrame, held: DataFrame) -> DataFrame:
    """What is to be in the quarantine: `_row_id`, `_reasons` and `_rejected`."""
    alone = reduced.where(F.col("_outcome") == QUARANTINED).select("_row_id", "_reasons", "_rejected")
    return alone.unionByName(held.select("_row_id", "_reasons", F.lit(False).alias("_rejected")))


def of_dates(dates: Sequence[dt.date]) -> Column:
    """Whether a row is of one of the deliveries."""
    return F.col("_delivery_date").isin(*dates) if dates else F.lit(False)
