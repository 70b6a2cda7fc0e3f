"""A driver of its own process for tests of concurrent commits: `python -m tests.s3.driver NAME TABLE`.

It starts a session as a job does (the settings come from the environment) and says `ready`. For each line
that it reads it appends a row (its name, the line), or at `change` changes all rows with one MERGE, and
answers `done`, or the error. SPARK_LOG_STORE names another log store to commit with.
"""

import os
import sys

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from spark_jobs.lake import s3
from spark_jobs.lake.session import start_session
from spark_jobs.settings import Settings


def main() -> None:
    name, table = sys.argv[1:]
    if other := os.environ.get("SPARK_LOG_STORE"):
        s3.LOG_STORE = {key: other for key in s3.LOG_STORE}
    spark = start_session(Settings(), f"driver-{name}")
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            _commit(spark, table, name, line.strip())
            print("done", flush=True)
        except Exception as error:  # told to the test
            print(str(error).splitlines()[0], flush=True)


def _commit(spark: SparkSession, table: str, name: str, text: str) -> None:
    row = spark.createDataFrame([(name, text)], "driver string, text string").coalesce(1)
    if text == "change":
        target = DeltaTable.forPath(spark, table).alias("old")
        target.merge(row.alias("new"), "true").whenMatchedUpdateAll().execute()
    else:
        row.write.format("delta").mode("append").save(table)


if __name__ == "__main__":
    main()
