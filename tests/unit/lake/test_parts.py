"""Into how many parts the rows of a batch go."""

from pyspark.sql import SparkSession

from spark_jobs.lake.lake import Lake

FEW, MANY, VERY_MANY = 1_000, 60_000, 10_000_000
SETTING = "spark.sql.shuffle.partitions"


def test_parts_follow_the_rows(spark: SparkSession) -> None:
    lake, before = Lake(spark, "anywhere"), spark.conf.get(SETTING)
    found = []
    for rows in (FEW, MANY, VERY_MANY):
        with lake.in_parts(rows):
            found.append(spark.conf.get(SETTING))
    assert found == [before, "8", "40"]
    assert spark.conf.get(SETTING) == before


def test_many_rows_are_spread_over_all_cores(spark: SparkSession) -> None:
    lake, cores = Lake(spark, "anywhere"), spark.sparkContext.defaultParallelism
    assert cores > 1
    rows = spark.range(0, 100, numPartitions=1).toDF("_row_id").localCheckpoint()
    assert lake.spread(rows, FEW, "_row_id") is rows
    enough = rows.repartition(cores)
    assert lake.spread(enough, MANY, "_row_id") is enough
    with lake.in_parts(MANY):
        spread = lake.spread(rows, MANY, "_row_id")
        assert spread.rdd.getNumPartitions() == 8
    assert sorted(row["_row_id"] for row in spread.collect()) == list(range(100))
