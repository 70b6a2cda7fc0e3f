"""Gold: one module a table, each a function from the current employments to the table's rows."""

from collections.abc import Callable

from pyspark.sql import DataFrame

from spark_jobs.gold import (
    league_season_summary,
    position_salaries,
    roster_movement,
    team_season_payroll,
)
from spark_jobs.lake.tables import Table

GOLD: tuple[tuple[Table, Callable[[DataFrame], DataFrame]], ...] = (
    (team_season_payroll.TABLE, team_season_payroll.team_season_payroll),
    (position_salaries.TABLE, position_salaries.position_salaries),
    (roster_movement.TABLE, roster_movement.roster_movement),
    (league_season_summary.TABLE, league_season_summary.league_season_summary),
)
