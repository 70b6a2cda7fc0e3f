"""What the staged rows and the quarantine are counted to: a few groups a delivery."""

import datetime as dt
from collections.abc import Collection

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.gold.groups import MONEY, paid_salary

#: Codes of reasons for which only other rows speak against a row, so that it stays staged.
COLLISIONS = {"sequence_conflict", "identity_conflict"}
#: Rows of the quarantine that count as refused; the others have been accepted or replaced since.
REJECTED = "rejected"
_REFUSED = f"kind = 'row' AND state IN ('open', '{REJECTED}')"
_CODES = "array_sort(array_distinct(reasons.code)) AS codes"


def refused_by_delivery(quarantine: DataFrame) -> DataFrame:
    """Refused rows and files: how many (`rows`) of each `_delivery_date`, `kind`, `state` and `codes`."""
    counted = quarantine.where(f"({_REFUSED}) OR (kind = 'file' AND state = 'open')")
    keys = ("_delivery_date", "kind", "state", "codes")
    return counted.selectExpr("_delivery_date", "kind", "state", _CODES).groupBy(*keys).agg(_rows())


def staged_by_delivery(
    staged: DataFrame, quarantine: DataFrame, loaded: Collection[dt.date] = ()
) -> DataFrame:
    """Staged rows, by `_delivery_date` and by `state` and `codes` of their refusal, null for the most.

    staged: one row a key and delivery (`_row_id`, `_delivery_date`, `_key`, `_at`, `_deleted`,
    `salary`). loaded: the deliveries that Silver is made of; without any of them no row is late. Each
    group has `rows`, `employed` and `paid` people, their `payroll` and `late` rows: those that came after
    a newer one of their key, by the deliveries' dates.
    """
    refused = quarantine.where(_REFUSED).selectExpr("_row_id", "state", _CODES)
    rows = staged.join(F.broadcast(refused), on="_row_id", how="left")
    is_late = F.lit(False)
    if loaded:
        counts = F.col("_delivery_date").isin(*loaded) & ~F.coalesce(_is_held(), F.lit(False))
        before = Window.partitionBy("_key").orderBy("_delivery_date")
        before = before.rowsBetween(Window.unboundedPreceding, -1)
        is_late = counts & (F.col("_at") < F.max(F.when(counts, F.col("_at"))).over(before))
    return (
        rows.withColumn("_is_late", is_late)
        .groupBy("_delivery_date", "state", "codes")
        .agg(
            _rows(),
            F.count_if(~F.col("_deleted")).alias("employed"),
            F.count(paid_salary()).alias("paid"),
            F.coalesce(F.sum(paid_salary()), F.lit(0)).cast(MONEY).alias("payroll"),
            F.count_if("_is_late").alias("late"),
        )
    )


def _is_held() -> Column:
    """Whether only other rows speak against the refused row; null for one that is not refused."""
    return F.size(F.array_except("codes", F.array(*map(F.lit, sorted(COLLISIONS))))) == 0


def _rows() -> Column:
    return F.count("*").alias("rows")
