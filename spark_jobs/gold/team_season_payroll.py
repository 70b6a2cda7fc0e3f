"""gold/team_season_payroll: what each team pays in each season."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.gold.groups import of_paid, paid_headcount, paid_salary, payroll, salary_percentile
from spark_jobs.lake.tables import Table

TABLE = Table(
    name="gold/team_season_payroll",
    description=(
        "What each team pays in each season, in US dollars. headcount: all current employments; "
        "paid_headcount: those with a known salary above zero; payroll: sum of known salaries; "
        "mean, median, p90 and max over the paid ones; league_payroll_share: of all payrolls of the "
        "league in the season, 0 to 1; payroll_rank: 1 pays most of all teams in the season, "
        "league_payroll_rank: of its league. Fewer than three paid: null."
    ),
    columns=(
        "season int, team_id string, league string, headcount bigint, paid_headcount bigint, "
        "payroll decimal(16,2), mean_salary decimal(16,2), median_salary decimal(16,2), "
        "p90_salary decimal(16,2), max_salary decimal(16,2), league_payroll_share double, "
        "payroll_rank int, league_payroll_rank int"
    ),
    key=("season", "team_id", "league"),
    statistics=("season",),
    deletion_vectors=False,
    sources={
        "season": ("season",),
        "team_id": ("team_id",),
        "league": ("league",),
        **dict.fromkeys(
            ("paid_headcount", "payroll", "mean_salary", "median_salary", "p90_salary", "max_salary"),
            ("salary",),
        ),
        **dict.fromkeys(("league_payroll_share", "payroll_rank", "league_payroll_rank"), ("salary",)),
    },
    grouped_by=("season", "team_id", "league"),
)


def team_season_payroll(employments: DataFrame) -> DataFrame:
    """One row for each season, team and league of the current employments."""
    teams = employments.groupBy("season", "team_id", "league").agg(
        F.count("*").alias("headcount"),
        paid_headcount(),
        payroll(),
        of_paid(F.avg(paid_salary()), "mean_salary"),
        of_paid(salary_percentile(0.5), "median_salary"),
        of_paid(salary_percentile(0.9), "p90_salary"),
        of_paid(F.max(paid_salary()), "max_salary"),
    )
    league = Window.partitionBy("season", "league")
    by_payroll = F.desc_nulls_last("payroll")
    of_league = F.sum("payroll").over(league)
    share = F.when(of_league > 0, F.col("payroll").cast("double") / of_league.cast("double"))
    rank = F.rank().over(Window.partitionBy("season").orderBy(by_payroll))
    league_rank = F.rank().over(league.orderBy(by_payroll))
    known = F.col("payroll").isNotNull()
    return teams.withColumns(
        {
            "league_payroll_share": F.round(share, 6),
            "payroll_rank": F.when(known, rank),
            "league_payroll_rank": F.when(known, league_rank),
        }
    ).select(*TABLE.schema.names)
