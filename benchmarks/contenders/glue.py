"""The recipe of many Glue jobs: read all of Silver, put the batch beside it, keep the newest, overwrite."""

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from benchmarks.agreed import plain_silver
from benchmarks.contenders import Parts
from benchmarks.contenders.recipe import (
    first_load,
    new_rows,
    newest_content,
    silver_of,
    start_recipe,
    without_strangers,
)

start = start_recipe


def deliver(spark: SparkSession, bronze: Path, state: Path) -> Parts:
    """Write all of Silver again, with the batch."""
    parts, silver = Parts(), plain_silver(state)
    with parts.part("batch"):
        batch = new_rows(spark, bronze).persist()
        batch.count()
    if not silver.exists():
        with parts.part("write"):
            first_load(batch, silver)
        return parts
    present = spark.read.format("delta").load(str(silver))
    with parts.part("strangers"):
        known = without_strangers(batch, present)
    with parts.part("overwrite"):
        wanted = newest_content(present.unionByName(known))
        wanted.write.format("delta").mode("overwrite").partitionBy("season").save(str(silver))
    batch.unpersist()
    return parts


def silver(spark: SparkSession, state: Path) -> list[Any]:
    """Silver's fingerprint."""
    return silver_of(spark, plain_silver(state))
