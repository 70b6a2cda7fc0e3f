"""gold/league_season_summary: each league in each season, and how unequal its teams are."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.gold.groups import SMALLEST_GROUP, of_paid, payroll, salary_percentile
from spark_jobs.lake.tables import Table

TABLE = Table(
    name="gold/league_season_summary",
    description=(
        "Each league in each season: headcount, payroll and median salary of the paid in US dollars; "
        "payroll_gini: Gini coefficient of the team payrolls, 0 (all equal) to 1; median_age: in full "
        "years at 1 July, of those whose birth date is known. Fewer than three people: null."
    ),
    columns=(
        "season int, league string, headcount bigint, payroll decimal(16,2), "
        "median_salary decimal(16,2), payroll_gini double, median_age double"
    ),
    key=("season", "league"),
    statistics=("season",),
    deletion_vectors=False,
    sources={
        "season": ("season",),
        "league": ("league",),
        "payroll": ("salary",),
        "median_salary": ("salary",),
        "payroll_gini": ("team_id", "salary"),
        "median_age": ("age_on_july_1",),
    },
    grouped_by=("season", "league"),
)


def league_season_summary(employments: DataFrame) -> DataFrame:
    """One row for each season and league of the current employments."""
    enough = F.count("age_on_july_1") >= SMALLEST_GROUP
    leagues = employments.groupBy("season", "league").agg(
        F.count("*").alias("headcount"),
        payroll(),
        of_paid(salary_percentile(0.5), "median_salary"),
        F.when(enough, F.percentile("age_on_july_1", 0.5)).alias("median_age"),
    )
    return leagues.join(_payroll_gini(employments), on=["season", "league"], how="left").select(
        *TABLE.schema.names
    )


def _payroll_gini(employments: DataFrame) -> DataFrame:
    """Gini coefficient by season and league over the teams whose payroll is known and above zero."""
    teams = employments.groupBy("season", "league", "team_id").agg(payroll())
    paying = teams.where(F.col("payroll") > 0)
    ascending = Window.partitionBy("season", "league").orderBy("payroll")
    ranked = paying.withColumn("_rank", F.row_number().over(ascending))
    return ranked.groupBy("season", "league").agg(F.round(_gini(), 6).alias("payroll_gini"))


def _gini() -> Column:
    # G = (2 * sum(i * x_i) / (n * sum(x_i))) - (n + 1) / n, with x ascending and i from 1.
    paid = F.col("payroll").cast("double")
    teams = F.count("*")
    return 2 * F.sum(F.col("_rank") * paid) / (teams * F.sum(paid)) - (teams + 1) / teams
