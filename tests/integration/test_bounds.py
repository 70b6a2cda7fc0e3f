"""What only shows at a bound: the limit itself, the season after, the change after the last run."""

import dataclasses
from collections.abc import Callable

from spark_jobs.contracts.contract import Rule
from spark_jobs.gold import roster_movement, team_season_payroll
from tests.lakes import DAY, TestLake, csv_of, employment

NEXT = DAY.replace(day=2)


def test_a_delivery_at_the_limit_of_refused_rows_is_staged(new_lake: Callable[..., TestLake]) -> None:
    lake = new_lake(quarantine_limit=0.5)
    lake.deliver(csv_of(employment(), employment(employee_id="bad01", salary="-1")))
    assert lake.succeed("ingest", "etl")["etl"].rows["staged"] == 1


def test_a_rule_that_says_nothing_of_a_row_refuses_it(lake: TestLake) -> None:
    rule = Rule("salary_modest", "salary", "salary < 20000000", "error", "The salary is not modest.")
    contract = dataclasses.replace(lake.contract, rules=(*lake.contract.rules, rule))
    strict = TestLake(lake.spark, contract, lake.settings.model_copy(update={"quarantine_limit": 1}))
    strict.deliver(csv_of(employment(), employment(employee_id="unpaid01", salary="")))
    strict.succeed("ingest", "etl")
    assert strict.reasons() == [("a.csv", 2, ["salary_modest"])]


def test_gold_follows_each_change_and_the_season_after_it(lake: TestLake) -> None:
    team = [employment(employee_id=f"person{n}") for n in range(4)]
    lake.deliver(csv_of(*team, *({**row, "season": "2015"} for row in team)))
    lake.succeed()
    assert movement(lake) == {2014: None, 2015: 4, 2016: 0}
    lake.deliver(csv_of(*team[1:], *({**row, "season": "2015"} for row in team)))
    lake.succeed()
    # Whom the new generation of a file no longer names is forgotten, in all that was made of it.
    assert len(lake.silver()) == 7
    assert movement(lake) == {2014: None, 2015: 3, 2016: 0}
    lake.deliver(csv_of(employment(employee_id="person9")), day=NEXT)
    lake.succeed(day=NEXT)
    assert headcount(lake) == {2014: 4, 2015: 4}


def movement(lake: TestLake) -> dict[int, int | None]:
    """Who stayed with the team, by season."""
    return {row["season"]: row["retained"] for row in lake.read(roster_movement.TABLE).collect()}


def headcount(lake: TestLake) -> dict[int, int]:
    return {row["season"]: row["headcount"] for row in lake.read(team_season_payroll.TABLE).collect()}
