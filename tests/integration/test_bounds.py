"""What only shows at a bound: the limit itself, the season after, the change after the last run."""

import dataclasses
from collections.abc import Callable

from spark_jobs.contracts.contract import Rule
from spark_jobs.gold import roster_movement, team_season_payroll
from tests.lakes import DAY, TestLake, csv_of, employment

NEXT, LATER = DAY.replace(day=2), DAY.replace(day=3)


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


def test_gold_follows_each_change_and_the_season_after_it(new_lake: Callable[..., TestLake]) -> None:
    lake = new_lake(quarantine_limit=1)
    team = [
        employment(employee_id=f"person{n}", season=season) for season in ("2014", "2015") for n in range(4)
    ]
    lake.deliver(csv_of(*team))
    lake.succeed()
    assert left(lake) == {2014: None, 2015: 0}
    # Of whom nothing is staged any more, since two people share the id, all that was made is forgotten.
    lake.deliver(csv_of(*team, employment(employee_id="person0", season="2016", ssn="900-99-9999")))
    lake.succeed()
    assert {row["employee_id"] for row in lake.silver()} == {"person1", "person2", "person3"}
    assert left(lake) == {2014: None, 2015: 0}
    # Two loads, and one aggregate after both.
    for day, season in ((NEXT, "2014"), (LATER, "2010")):
        lake.deliver(csv_of(employment(employee_id="person9", season=season)), day=day)
        lake.succeed("ingest", "etl", "load", day=day)
    lake.succeed("aggregate", day=LATER)
    assert headcount(lake) == {2010: 1, 2014: 4, 2015: 3}
    assert left(lake) == {2010: None, 2014: None, 2015: 1}


def test_what_a_later_delivery_repeats_is_the_earlier_ones(lake: TestLake) -> None:
    for day in (DAY, NEXT):
        lake.deliver(csv_of(employment()), day=day)
        lake.succeed("ingest", "etl", "load", day=day)
    (identity,) = lake.read(lake.tables.identity).collect()
    assert identity["_delivery_date"] == DAY


def left(lake: TestLake) -> dict[int, int | None]:
    """Who has left the team since the season before, by season."""
    return {row["season"]: row["left"] for row in lake.read(roster_movement.TABLE).collect()}


def headcount(lake: TestLake) -> dict[int, int]:
    return {row["season"]: row["headcount"] for row in lake.read(team_season_payroll.TABLE).collect()}
