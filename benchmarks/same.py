"""Proves that state.py makes what the jobs make: `python -m benchmarks.same FOLDER`, of a small size.

Runs etl and load of the first load from Bronze, and compares staging, Silver, history and identities row by
row with the state that was written directly. Only where a staged row came from is not compared.
"""

import sys
from pathlib import Path

from pyspark.sql import DataFrame

from benchmarks.agreed import FIRST_LOAD
from benchmarks.clones import clone
from benchmarks.contenders import pipeline
from spark_jobs.contracts.contract import read_contract
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import ORIGIN, dataset_tables
from spark_jobs.settings import CONTRACT

_FROM = {column.split()[0] for column in ORIGIN.split(", ")}


def main() -> None:
    """Compare, and end with 1 where a table differs."""
    folder = Path(sys.argv[1])
    copy = folder.parent / "runs" / "same"
    clone(folder / FIRST_LOAD / "state", copy)
    spark = pipeline.start("2g", copy / "spark.log")
    pipeline.deliver(spark, folder / FIRST_LOAD / "bronze", copy)
    made, written = (Lake(spark, str(place / "lake")) for place in (copy, folder / "base" / "state"))
    tables = dataset_tables(read_contract(CONTRACT))
    differ = False
    for table in (tables.staging, tables.current, tables.history, tables.identity):
        ours, theirs = _rows(made.read(table)), _rows(written.read(table))
        wrong = ours.exceptAll(theirs).count() + theirs.exceptAll(ours).count()
        differ |= wrong > 0
        print(f"{table.name}: {ours.count()} rows, {wrong} differ")
    spark.stop()
    sys.exit(differ)


def _rows(rows: DataFrame) -> DataFrame:
    return rows.select(*(name for name in rows.columns if name not in _FROM))


if __name__ == "__main__":
    main()
