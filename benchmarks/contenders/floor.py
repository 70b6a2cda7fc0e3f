"""The floor: the batch read, typed, pseudonymised and appended once. Its Silver is wrong, unchecked."""

from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks.agreed import KEY, delivery_day, plain_silver
from benchmarks.contenders import Parts
from benchmarks.contenders.recipe import start_recipe
from benchmarks.oracle import SILVER
from spark_jobs.contracts.contract import read_contract
from spark_jobs.privacy.pseudonyms import pseudonymise
from spark_jobs.settings import CONTRACT
from spark_jobs.silver.clean import clean
from spark_jobs.silver.rules import judge

start = start_recipe
#: There is nothing to ask the oracle.
silver = None


def deliver(spark: SparkSession, bronze: Path, state: Path) -> Parts:
    """Append the good rows of the batch."""
    parts, contract = Parts(), read_contract(CONTRACT)
    raw = spark.read.parquet(str(bronze)).drop("_refused")
    judged = pseudonymise(judge(clean(raw, contract), contract), contract, KEY.encode())
    day = F.lit(delivery_day(bronze)).cast("date")
    good = judged.where(F.size("_reasons") == 0)
    rows = good.withColumns({"is_deleted": F.col("operation") == "D", "_delivery_date": day}).select(
        *SILVER
    )
    with parts.part("append"):
        rows.write.format("delta").mode("append").partitionBy("season").save(str(plain_silver(state)))
    return parts
