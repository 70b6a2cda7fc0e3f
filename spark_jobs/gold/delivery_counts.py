"""What the staged rows and the quarantine are counted to: a few groups a delivery."""

import datetime as dt
from collections.abc import Collection

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.gold.groups import MONEY, paid_salary
from spark_jobs.lake.joins import matching

#: Codes of reasons for which only other rows speak against a row, so that it stays staged.
COLLISIONS = {"sequence_conflict", "identity_conflict"}
#: Rows of the quarantine that count as refused; the others have been accepted or replaced since.
REJECTED = "rejected"
_REFUSED = f"kind = 'row' AND state IN ('open', '{REJECTED}')"
_GROUP = ("_delivery_date", "state", "codes")
_CODES = "array_sort(array_distinct(reasons.code)) AS codes"


def refused_by_delivery(quarantine: DataFrame) -> DataFrame:
    """Refused rows and files: how many (`rows`) of each `_delivery_date`, `kind`, `state` and `codes`."""
    counted = quarantine.where(f"({_REFUSED}) OR (kind = 'file' AND state = 'open')")
    keys = ("_delivery_date", "kind", "state", "codes")
    return counted.selectExpr("_delivery_date", "kind", "state", _CODES).groupBy(*keys).agg(_rows())


def staged_by_delivery(
    staged: DataFrame,
    quarantine: DataFrame,
    loaded: Collection[dt.date] = (),
    which: Column | None = None,
) -> DataFrame:
    """Staged rows, by `_delivery_date` and by `state` and `codes` of their refusal, null for the most.

    staged: one row a key and delivery (`_row_id`, `_delivery_date`, `_key`, `_at`, `_deleted`,
    `salary`). loaded: the deliveries that Silver is made of; without any of them no row is late. which:
    the deliveries to be counted, a condition; the rows of earlier ones are needed for what is late. Each
    group has `rows`, `employed` and `paid` people, their `payroll` and `late` rows: those that came after
    a newer one of their key, by the deliveries' dates.
    """
    refused = F.broadcast(quarantine.where(_REFUSED).selectExpr("_row_id", "state", _CODES))
    which = F.lit(True) if which is None else which
    counted = (
        staged.where(which)
        .join(refused, on="_row_id", how="left")
        .select(
            *_GROUP,
            F.lit(1).alias("rows"),
            (~F.col("_deleted")).cast("int").alias("employed"),
            paid_salary().alias("payroll"),
            F.lit(0).alias("late"),
        )
    )
    if loaded:
        counted = counted.union(_late(staged, refused, loaded, which))
    return counted.groupBy(*_GROUP).agg(
        F.sum("rows").alias("rows"),
        F.sum("employed").alias("employed"),
        F.count("payroll").alias("paid"),
        F.coalesce(F.sum("payroll"), F.lit(0)).cast(MONEY).alias("payroll"),
        F.sum("late").alias("late"),
    )


def _late(staged: DataFrame, refused: DataFrame, loaded: Collection[dt.date], which: Column) -> DataFrame:
    """The loaded rows that came after a newer one of their key, each to be counted as late alone.

    Only rows of keys that any but the first delivery has are put in order: most have come once.
    """
    counting = staged.where(F.col("_delivery_date").isin(*loaded))
    again = counting.where(which & (F.col("_delivery_date") > min(loaded)))
    rows = matching(counting, again, ["_key"]).join(refused, on="_row_id", how="left")
    rows = rows.where(~F.coalesce(_is_held(), F.lit(False)))
    before = Window.partitionBy("_key").orderBy("_delivery_date")
    newest = F.max("_at").over(before.rowsBetween(Window.unboundedPreceding, -1))
    late = rows.withColumn("_newest", newest).where(which & (F.col("_at") < F.col("_newest")))
    return late.select(*_GROUP, F.lit(0), F.lit(0), F.lit(None).cast(MONEY), F.lit(1))


def _is_held() -> Column:
    """Whether only other rows speak against the refused row; null for one that is not refused."""
    return F.size(F.array_except("codes", F.array(*map(F.lit, sorted(COLLISIONS))))) == 0


def _rows() -> Column:
    return F.count("*").alias("rows")
