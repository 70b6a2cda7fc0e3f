"""Makes the states that deliveries come into: the pipeline's lake, and a plain Silver for the others.

    <folder>/<scenario>/state/lake     all tables as etl and load leave them, the delivery in Bronze
    <folder>/<scenario>/state/silver   Silver alone, a Delta table of the same rows and partitions

Written directly and not by the jobs, since a first load of millions of rows is a scenario of its own;
`python -m benchmarks.same` compares the two. Runs in .venv.
"""

import shutil
import sys
import time
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.agreed import BASE_DAY, FIRST_LOAD, KEY, delivery_day
from benchmarks.clones import clone
from benchmarks.contenders.recipe import start_recipe
from benchmarks.oracle import SILVER
from spark_jobs.contracts.contract import Contract, read_contract
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import LOADS, Table, dataset_tables
from spark_jobs.lake.upkeep import compact
from spark_jobs.privacy.pseudonyms import KEY_PROPERTY, key_id
from spark_jobs.settings import CONTRACT

_ORIGIN = (
    "sha2(concat_ws('|', employee_id, season, team_id), 256) AS _row_id",
    "'employees/base.csv' AS _source_file",
    "'base' AS _file_sha256",
    "1 AS _generation",
    "CAST(1 AS BIGINT) AS _row_number",
)


def build(spark: SparkSession, folder: Path, scenarios: list[str]) -> None:
    """Build what is not there yet; without scenarios the state that all of them begin with."""
    if not scenarios:
        _base(spark, folder)
    for name in scenarios:
        state = folder / name / "state"
        if (state / "done").exists():
            continue
        shutil.rmtree(state, ignore_errors=True)
        if name != FIRST_LOAD:
            base = _base(spark, folder)
            clone(base, state)
        add_delivery(spark, state, folder / name / "bronze")
        (state / "done").touch()


def add_delivery(spark: SparkSession, state: Path, bronze: Path) -> None:
    """Put a delivery into Bronze, as ingest would."""
    lake, tables = Lake(spark, str(state / "lake")), dataset_tables(read_contract(CONTRACT))
    lake.append(tables.bronze, as_bronze(spark, bronze, delivery_day(bronze)))
    lake.create(tables.staging, {KEY_PROPERTY: key_id(KEY.encode())})


def _base(spark: SparkSession, folder: Path) -> Path:
    state = folder / "base" / "state"
    if (state / "done").exists():
        return state
    shutil.rmtree(state, ignore_errors=True)
    started = time.monotonic()
    contract = read_contract(CONTRACT)
    silver = spark.read.parquet(str(folder / "base" / "silver.parquet"))
    silver.select(*SILVER).write.format("delta").partitionBy("season").save(str(state / "silver"))
    lake, tables = Lake(spark, str(state / "lake")), dataset_tables(contract)
    delivered = spark.read.parquet(str(folder / "base" / "bronze.parquet"))
    lake.append(tables.bronze, as_bronze(spark, folder / "base" / "bronze.parquet", BASE_DAY))
    lake.create(tables.staging, {KEY_PROPERTY: key_id(KEY.encode())})
    lake.append(tables.staging, silver.selectExpr("*", *_ORIGIN, "false AS _retracted"))
    compact(lake, tables.staging)  # as the weekly maintain leaves it
    lake.append(tables.current, silver)
    spans = ("updated_at AS valid_from", "CAST(NULL AS timestamp) AS valid_to", "true AS is_current")
    lake.append(tables.history, silver.selectExpr("*", *spans))
    lake.append(tables.identity, _identities(silver, tables.identity))
    lake.append(tables.quarantine, _quarantine(delivered, contract))
    loads = spark.createDataFrame([(contract.dataset, BASE_DAY)], "dataset string, day string")
    lake.append(LOADS, loads.selectExpr("dataset", "CAST(day AS date) AS _delivery_date"))
    (state / "done").touch()
    print(f"the state before took {time.monotonic() - started:.0f} s", file=sys.stderr)
    return state


def as_bronze(spark: SparkSession, files: Path, day: str) -> DataFrame:
    """The generator's rows as ingest writes them."""
    rows = spark.read.parquet(str(files)).drop("_refused")
    return rows.selectExpr(
        "*",
        "CAST(NULL AS map<string,string>) AS _rescued",
        f"DATE '{day}' AS _delivery_date",
        f"TIMESTAMP '{day} 03:00:00' AS _ingested_at",
    )


def _identities(silver: DataFrame, table: Table) -> DataFrame:
    rest = [name for name in table.schema.names if name != "employee_id"]
    return silver.groupBy("employee_id").agg(*(F.max(name).alias(name) for name in rest))


def _quarantine(delivered: DataFrame, contract: Contract) -> DataFrame:
    columns = ", ".join(contract.names)
    return delivered.where("_refused IS NOT NULL").selectExpr(
        "_row_id",
        "'row' AS kind",
        "'open' AS state",
        "array(named_struct('code', _refused, 'column', CAST(NULL AS string), 'severity', 'error', "
        "'sentence', 'Refused.')) AS reasons",
        f"to_json(struct({columns})) AS record",
        *("_source_file", "_file_sha256", "_generation", "_row_number"),
        f"DATE '{BASE_DAY}' AS _delivery_date",
        f"'{contract.version}' AS contract_version",
    )


def main() -> None:
    """`state.py FOLDER [SCENARIO...]`."""
    folder = Path(sys.argv[1])
    spark = start_recipe("3g", folder / "state.log")
    build(spark, folder, sys.argv[2:])
    spark.stop()


if __name__ == "__main__":
    main()
