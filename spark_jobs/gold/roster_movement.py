"""gold/roster_movement: who came, went and stayed, against the season before."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake.tables import Table

TABLE = Table(
    name="gold/roster_movement",
    description=(
        "People of a team against the season before. joined: new to the team; left: gone from it; "
        "retained: in both; arrived_from_team: of those who joined, employed by another team the "
        "season before; retention_rate: retained out of all of the season before, 0 to 1. Null in the "
        "first season of the data, which has none before it. A team that ended has one last row, in "
        "the season after, with all its people as left."
    ),
    columns=(
        "season int, team_id string, joined bigint, left bigint, retained bigint, "
        "arrived_from_team bigint, retention_rate double"
    ),
    key=("season", "team_id"),
    statistics=("season",),
    deletion_vectors=False,
    sources={
        "season": ("season",),
        "team_id": ("team_id",),
        **dict.fromkeys(
            ("joined", "left", "retained", "arrived_from_team", "retention_rate"), ("employee_id",)
        ),
    },
    grouped_by=("season", "team_id"),
)


def roster_movement(employments: DataFrame) -> DataFrame:
    """One row for each season and team; `employments` must hold each wanted season's season before."""
    rosters = employments.select("season", "team_id", "employee_id").distinct()
    seasons = rosters.select("season").distinct()
    before = rosters.withColumn("season", F.col("season") + 1)
    employed_before = before.select("season", "employee_id", F.lit(True).alias("_employed")).distinct()
    now = rosters.withColumn("_now", F.lit(True))
    then = before.withColumn("_then", F.lit(True))
    both = now.join(then, on=["season", "team_id", "employee_id"], how="full_outer")
    both = both.join(seasons, on="season", how="left_semi")
    both = both.join(employed_before, on=["season", "employee_id"], how="left")
    here, was = F.col("_now").isNotNull(), F.col("_then").isNotNull()
    moved = both.groupBy("season", "team_id").agg(
        F.count_if(here & ~was).alias("joined"),
        F.count_if(was & ~here).alias("left"),
        F.count_if(here & was).alias("retained"),
        F.count_if(here & ~was & F.col("_employed").isNotNull()).alias("arrived_from_team"),
        F.count_if(was).alias("_before"),
    )
    first = seasons.select((F.col("season") + 1).alias("season"), F.lit(True).alias("_comparable"))
    moved = moved.join(first, on="season", how="left")
    comparable = F.col("_comparable").isNotNull()
    rate = F.when(F.col("_before") > 0, F.round(F.col("retained") / F.col("_before"), 6))
    counts = ["joined", "left", "retained", "arrived_from_team"]
    return moved.select(
        "season",
        "team_id",
        *(F.when(comparable, F.col(name)).alias(name) for name in counts),
        F.when(comparable, rate).alias("retention_rate"),
    )
