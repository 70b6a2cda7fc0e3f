"""Gold on a handful of employments: small groups, ranks, movement, inequality."""

from decimal import Decimal

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.gold.league_season_summary import league_season_summary
from spark_jobs.gold.position_salaries import position_salaries
from spark_jobs.gold.roster_movement import TABLE as MOVEMENT
from spark_jobs.gold.roster_movement import roster_movement
from spark_jobs.gold.team_season_payroll import team_season_payroll

COLUMNS = (
    "employee_id string, season int, team_id string, league string, position string, "
    "salary decimal(14,2), age_on_july_1 int"
)


@pytest.fixture
def employments(spark: SparkSession) -> DataFrame:
    paid = [(f"n{i}", 2015, "NYA", "AL", "P", Decimal(i * 100), 20 + i) for i in range(1, 5)]
    few = [
        ("b1", 2015, "BOS", "AL", "C", Decimal(500), None),
        ("b2", 2015, "BOS", "AL", "C", Decimal(0), 30),
    ]
    before = [("n1", 2014, "NYA", "AL", "P", None, 20), ("n2", 2014, "BOS", "AL", "P", None, 21)]
    return spark.createDataFrame([*paid, *few, *before], COLUMNS).coalesce(1)


def test_a_small_group_shows_no_figure_from_which_a_salary_follows(employments: DataFrame) -> None:
    shown = "season", "team_id", "headcount", "paid_headcount", "payroll", "median_salary", "max_salary"
    teams = team_season_payroll(employments).where("season = 2015").select(*shown)
    expected = employments.sparkSession.createDataFrame(
        [
            (2015, "BOS", 2, 1, None, None, None),
            (2015, "NYA", 4, 4, Decimal(1000), Decimal(250), Decimal(400)),
        ],
        "season int, team_id string, headcount bigint, paid_headcount bigint, payroll decimal(16,2), "
        "median_salary decimal(16,2), max_salary decimal(16,2)",
    )
    assert_df_equality(teams, expected, ignore_nullable=True, ignore_row_order=True)


def test_movement_is_null_in_the_first_season_and_counts_in_the_next(employments: DataFrame) -> None:
    expected = employments.sparkSession.createDataFrame(
        [
            (2014, "BOS", None, None, None, None, None),
            (2014, "NYA", None, None, None, None, None),
            (2015, "BOS", 2, 1, 0, 0, 0.0),
            (2015, "NYA", 3, 0, 1, 1, 1.0),
        ],
        MOVEMENT.columns,
    )
    moved = roster_movement(employments)
    assert_df_equality(moved, expected, ignore_nullable=True, ignore_row_order=True)


def test_ages_and_positions_leave_out_what_is_unknown(employments: DataFrame) -> None:
    league = league_season_summary(employments).where("season = 2015").collect()[0]
    assert league["headcount"] == 6
    assert league["median_age"] == 23.0
    catchers = position_salaries(employments).where(F.col("position") == "C").collect()[0]
    assert (catchers["headcount"], catchers["paid_headcount"], catchers["payroll"]) == (2, 1, None)


def test_gini_of_equal_payrolls_is_zero_and_of_one_to_three_a_quarter(spark: SparkSession) -> None:
    def teams(*salaries: int) -> DataFrame:
        rows = [
            (f"e{t}{n}", 2015, f"T{t}", "AL", "P", Decimal(salary), 25)
            for t, salary in enumerate(salaries)
            for n in range(3)
        ]
        return spark.createDataFrame(rows, COLUMNS)

    assert league_season_summary(teams(5, 5)).collect()[0]["payroll_gini"] == 0.0
    assert league_season_summary(teams(1, 3)).collect()[0]["payroll_gini"] == 0.25
