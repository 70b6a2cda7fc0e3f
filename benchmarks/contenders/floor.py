"""The floor: the batch read, typed, pseudonymised and appended once. Its Silver is wrong, unchecked."""

from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks.agreed import plain_silver
from benchmarks.contenders import Parts
from benchmarks.contenders.recipe import good_rows, start_recipe, with_silvers_columns

start = start_recipe
#: There is nothing to ask the oracle.
silver = None


def deliver(spark: SparkSession, bronze: Path, state: Path) -> Parts:
    """Append the good rows of the batch."""
    parts = Parts()
    with parts.part("batch"):
        good = good_rows(spark, bronze)
    with parts.part("append"):
        rows = with_silvers_columns(good, bronze)
        rows.write.format("delta").mode("append").partitionBy("season").save(str(plain_silver(state)))
    return parts
