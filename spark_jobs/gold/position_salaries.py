"""gold/position_salaries: how salaries spread over the positions of each season."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.gold.groups import of_paid, paid_headcount, payroll, salary_percentile
from spark_jobs.lake.tables import Table

#: The position of employments without one: players under contract who did not play.
NO_POSITION = "none"

TABLE = Table(
    name="gold/position_salaries",
    description=(
        "Salaries by position in each season, in US dollars; position none: no game played. "
        "Percentiles are over the paid ones; fewer than three paid: null."
    ),
    columns=(
        "season int, position string, headcount bigint, paid_headcount bigint, "
        "payroll decimal(16,2), p25_salary decimal(16,2), median_salary decimal(16,2), "
        "p75_salary decimal(16,2)"
    ),
    key=("season", "position"),
    statistics=("season",),
    deletion_vectors=False,
    sources={
        "season": ("season",),
        "position": ("position",),
        **dict.fromkeys(
            ("paid_headcount", "payroll", "p25_salary", "median_salary", "p75_salary"), ("salary",)
        ),
    },
    grouped_by=("season", "position"),
)


def position_salaries(employments: DataFrame) -> DataFrame:
    """One row for each season and position of the current employments."""
    placed = employments.withColumn("position", F.coalesce("position", F.lit(NO_POSITION)))
    return (
        placed.groupBy("season", "position")
        .agg(
            F.count("*").alias("headcount"),
            paid_headcount(),
            payroll(),
            of_paid(salary_percentile(0.25), "p25_salary"),
            of_paid(salary_percentile(0.5), "median_salary"),
            of_paid(salary_percentile(0.75), "p75_salary"),
        )
        .select(*TABLE.schema.names)
    )
