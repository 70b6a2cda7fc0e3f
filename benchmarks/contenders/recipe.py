"""What the recipes on Spark share: a session with Spark's defaults, the batch, and who is somebody else.

They clean, judge and pseudonymise with the pipeline's own functions, since these are what the contract asks
for; what they are measured by is how the batch then comes into Silver.
"""

import os
import sys
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from benchmarks.agreed import KEY, delivery_day
from benchmarks.oracle import SILVER, fingerprint_sql
from spark_jobs.contracts.contract import read_contract
from spark_jobs.lake.java import find_java_home
from spark_jobs.lake.jvm import logging_options
from spark_jobs.lake.session import JARS, LOCAL_DISK
from spark_jobs.privacy.pseudonyms import pseudonymise
from spark_jobs.settings import CONTRACT, Settings
from spark_jobs.silver.clean import clean
from spark_jobs.silver.rules import judge
from spark_jobs.sql import all_equal

KEY_COLUMNS = ("employee_id", "season", "team_id")
#: What a row says: the columns in which two versions of a key may differ.
CONTENT = tuple(name for name in SILVER if name not in (*KEY_COLUMNS, "updated_at", "_delivery_date"))


def start_recipe(memory: str, log: Path) -> SparkSession:
    """A session with Delta on this machine's disk, and all else as Spark has it."""
    os.environ |= {"JAVA_HOME": find_java_home(), "PYSPARK_PYTHON": sys.executable}
    builder = SparkSession.builder.master("local[2]").appName("bench").config("spark.driver.memory", memory)  # pyright: ignore
    settings: dict[str, Any] = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.extraClassPath": os.pathsep.join(map(str, sorted(JARS.glob("*.jar")))),
        "spark.driver.extraJavaOptions": logging_options(Settings(spark_log=log)) + " -Duser.timezone=UTC",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(log.parent / "warehouse"),
        # Without these a local disk costs them processes that S3 would not.
        **LOCAL_DISK,
    }
    return builder.config(map=settings).getOrCreate()


def good_rows(spark: SparkSession, bronze: Path) -> DataFrame:
    """The delivery's rows that the contract does not refuse, typed and with pseudonyms."""
    contract = read_contract(CONTRACT)
    raw = spark.read.parquet(str(bronze)).drop("_refused")
    judged = pseudonymise(judge(clean(raw, contract), contract), contract, KEY.encode())
    # Once and for all: folded into one expression with what follows, Spark would plan for minutes, and work
    # out twice what a filter asks for.
    return judged.localCheckpoint().where(F.size("_reasons") == 0)


def with_silvers_columns(rows: DataFrame, bronze: Path) -> DataFrame:
    """Typed rows of a delivery with the columns that Silver has."""
    day = F.lit(delivery_day(bronze)).cast("date")
    return rows.withColumns({"is_deleted": F.col("operation") == "D", "_delivery_date": day}).select(
        *SILVER
    )


def new_rows(spark: SparkSession, bronze: Path) -> DataFrame:
    """The delivery's good rows, the newest of each key, with Silver's columns."""
    contract = read_contract(CONTRACT)
    good = good_rows(spark, bronze).dropDuplicates(list(contract.names))
    at_once, person = Window.partitionBy(*KEY_COLUMNS, "updated_at"), Window.partitionBy("employee_id")
    states = F.col("operation") != "D"
    of_many = F.lit(False)
    for name in contract.immutable:
        value = F.when(states, F.col(name))
        differs = states & (F.min(value).over(person) != F.max(value).over(person))
        of_many = of_many | F.coalesce(differs, F.lit(False))
    sound = good.withColumns({"_doubtful": (F.count("*").over(at_once) > 1) | of_many}).where(
        "NOT _doubtful"
    )
    newest = Window.partitionBy(*KEY_COLUMNS).orderBy(F.desc("updated_at"))
    rows = sound.withColumn("_place", F.row_number().over(newest)).where("_place = 1")
    return with_silvers_columns(rows, bronze)


def without_strangers(batch: DataFrame, silver: DataFrame) -> DataFrame:
    """The batch without rows of people whom Silver knows with another SSN."""
    known = silver.where("ssn IS NOT NULL").selectExpr("employee_id", "ssn AS known")
    said = batch.where("operation <> 'D'").join(known, "employee_id").where("ssn <> known")
    strangers = [row[0] for row in said.select("employee_id").distinct().collect()]
    return batch.where(~F.col("employee_id").isin(strangers) | (F.col("operation") == "D"))


def newest_content(rows: DataFrame) -> DataFrame:
    """Of each key the newest row that says something else than the one before it."""
    # One order for both, so that the rows are sorted once: the row before a row comes after it here.
    newest_first = Window.partitionBy(*KEY_COLUMNS).orderBy(F.desc("updated_at"))
    said = content()
    changed = ~F.lead(said).over(newest_first).eqNullSafe(said)
    rows = rows.withColumn("_changed", changed).where("_changed").drop("_changed")
    place = F.row_number().over(newest_first)
    return rows.withColumn("_place", place).where("_place = 1").select(*SILVER)


def content() -> Column:
    """What a row says as one value."""
    return F.struct(*CONTENT)


def same_key(left: str, right: str) -> str:
    """SQL: two rows have the same key; none of its columns is ever null."""
    return " AND ".join(f"{left}.{name} = {right}.{name}" for name in KEY_COLUMNS)


def is_newer(new: str, old: str) -> str:
    """SQL: a row is newer than Silver's, and says something else."""
    return f"{new}.updated_at > {old}.updated_at AND NOT ({all_equal(new, old, CONTENT)})"


def first_load(batch: DataFrame, silver: Path) -> bool:
    """Write the batch as Silver where there is none yet."""
    if silver.exists():
        return False
    batch.write.format("delta").partitionBy("season").save(str(silver))
    return True


def fingerprint_of(rows: DataFrame) -> list[Any]:
    """The oracle's question to Spark."""
    spark = rows.sparkSession
    # The pipeline's session interprets; over millions of rows that would be most of the benchmark.
    spark.conf.set("spark.sql.codegen.wholeStage", "true")
    spark.conf.set("spark.sql.codegen.factoryMode", "FALLBACK")
    rows.createOrReplaceTempView("silver_to_check")
    return [tuple(row) for row in spark.sql(fingerprint_sql("silver_to_check", spark=True)).collect()]


def silver_of(spark: SparkSession, silver: Path) -> list[Any]:
    """Silver's fingerprint, of a Delta table."""
    return fingerprint_of(spark.read.format("delta").load(str(silver)))
