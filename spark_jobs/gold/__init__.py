"""Gold: one module a table, each a function to the table's rows from employments or deliveries."""

from collections.abc import Callable

from pyspark.sql import DataFrame

from spark_jobs.gold import (
    data_quality_daily,
    league_season_summary,
    position_salaries,
    roster_movement,
    team_season_payroll,
)
from spark_jobs.lake.tables import Table

#: The tables of the current employments: they are of one version of Silver together.
GOLD: tuple[tuple[Table, Callable[[DataFrame], DataFrame]], ...] = (
    (team_season_payroll.TABLE, team_season_payroll.team_season_payroll),
    (position_salaries.TABLE, position_salaries.position_salaries),
    (roster_movement.TABLE, roster_movement.roster_movement),
    (league_season_summary.TABLE, league_season_summary.league_season_summary),
)
#: All of them.
GOLD_TABLES: tuple[Table, ...] = (*(table for table, _ in GOLD), data_quality_daily.TABLE)
