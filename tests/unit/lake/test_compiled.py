"""Who computes compiled beside others: the settings stay until the last is done, and are then as before."""

import contextlib

from pyspark.sql import SparkSession

from spark_jobs.lake.lake import Lake

SETTING = "spark.sql.codegen.wholeStage"


def test_the_first_that_is_done_leaves_the_settings_to_the_second(spark: SparkSession) -> None:
    lake, before = Lake(spark, "anywhere"), spark.conf.get(SETTING)
    assert before == "false"
    first, second = contextlib.ExitStack(), contextlib.ExitStack()
    first.enter_context(lake.compiled())
    second.enter_context(lake.compiled())
    first.close()
    assert spark.conf.get(SETTING) == "true"
    second.close()
    assert spark.conf.get(SETTING) == before
