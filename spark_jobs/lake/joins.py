"""Semi- and anti-joins by key: null-safe, and fit for two frames that come from the same one."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def matching(rows: DataFrame, others: DataFrame, key: Sequence[str]) -> DataFrame:
    """The rows whose key is among the others'."""
    return _join(rows, others, key, "left_semi")


def without(rows: DataFrame, others: DataFrame, key: Sequence[str]) -> DataFrame:
    """The rows whose key is not among the others'."""
    return _join(rows, others, key, "left_anti")


def _join(rows: DataFrame, others: DataFrame, key: Sequence[str], how: str) -> DataFrame:
    # Renamed, because Spark cannot tell apart the columns of two frames with a common ancestor.
    renamed = others.selectExpr(*(f"{name} AS _other_{name}" for name in key))
    equal = " AND ".join(f"{name} <=> _other_{name}" for name in key)
    return rows.join(renamed, on=F.expr(equal), how=how)
