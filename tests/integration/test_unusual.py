"""The gate before load where the rows are as many as usual and the payroll is not."""

from collections.abc import Callable
from functools import partial

from spark_jobs.jobs.load import load
from spark_jobs.jobs.runner import run_job
from spark_jobs.usual import Passed
from tests.lakes import DAY, TestLake, csv_of, employment

DAYS = [DAY.replace(day=day) for day in (1, 2, 3)]


def test_a_tenth_of_the_usual_payroll_stops_before_load_and_a_person_lets_it_pass(
    new_lake: Callable[..., TestLake],
) -> None:
    lake = new_lake(unusual_minimum=2, data_quality=False)
    for day, salary in zip(DAYS, ("1000000", "1000000", "100000"), strict=True):
        people = [employment(employee_id=f"p{day.day}{n}", salary=salary) for n in range(4)]
        lake.deliver(csv_of(*people), day=day)
        lake.succeed("ingest", "etl", day=day)
    assert [lake.run("load", day=day)["load"].exit_code for day in DAYS] == [0, 0, 3]
    stopped = lake.run("load", day=DAYS[2])["load"]
    assert stopped.error and "its payroll is 10.0% of the usual" in stopped.error
    assert "good rows" not in stopped.error
    assert (stopped.rows["unusual"], stopped.rows["unusual_stopping"]) == (1, 1)
    assert len(lake.silver()) == 8

    accepted = partial(load, passed=Passed("a.person", "cents"))
    run = run_job(lake.spark, lake.settings, lake.contract, "load", DAYS[2], accepted)
    assert (run.exit_code, run.rows["unusual_accepted"]) == (0, 1)
    assert len(lake.silver()) == 12
