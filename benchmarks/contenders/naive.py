"""The naive recipe: duplicates dropped, then a plain MERGE on the key."""

from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from benchmarks.agreed import plain_silver
from benchmarks.contenders import Parts
from benchmarks.contenders.recipe import (
    first_load,
    is_newer,
    new_rows,
    same_key,
    silver_of,
    start_recipe,
    without_strangers,
)

start = start_recipe


def deliver(spark: SparkSession, bronze: Path, state: Path) -> Parts:
    """Merge the batch into Silver."""
    parts, silver = Parts(), plain_silver(state)
    with parts.part("batch"):
        batch = new_rows(spark, bronze).persist()
        batch.count()
    if not silver.exists():
        with parts.part("write"):
            first_load(batch, silver)
        return parts
    with parts.part("strangers"):
        known = without_strangers(batch, spark.read.format("delta").load(str(silver)))
    with parts.part("merge"):
        merge = (
            DeltaTable.forPath(spark, str(silver))
            .alias("old")
            .merge(known.alias("new"), same_key("new", "old"))
        )
        merge.whenMatchedUpdateAll(is_newer("new", "old")).whenNotMatchedInsertAll().execute()
    batch.unpersist()
    return parts


def silver(spark: SparkSession, state: Path) -> list[Any]:
    """Silver's fingerprint."""
    return silver_of(spark, plain_silver(state))
