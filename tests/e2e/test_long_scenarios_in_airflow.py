"""Long scenarios in Airflow on the cluster, by hand (`make cluster-long`), in their order."""

from pathlib import Path
from typing import Any

import pytest

from deploy.airflow_api import Airflow
from spark_jobs.lake.tables import ERASURES
from tests.e2e.deployed import DAYS, SPARK, approve, run_day, run_ended, run_of_day, tasks
from tests.lakes import TestLake

pytestmark = pytest.mark.long
REPROCESS, ERASURE = "mlb_employee_reprocess", "mlb_employee_erasure"


@pytest.fixture(scope="module")
def before(api: Airflow, on_s3: TestLake) -> Any:
    """The lake's content after all three days; other tests may have brought others besides."""
    for day in DAYS:
        assert run_of_day(api, str(day)).get("state") == "success" or run_day(api, str(day)) == "success"
    return on_s3.content()


def test_days_run_again_in_another_order_change_nothing(api: Airflow, on_s3: TestLake, before: Any) -> None:
    for day in (DAYS[2], DAYS[0]):
        assert run_day(api, str(day)) == "success"
    assert on_s3.content() == before


def test_a_reprocess_and_its_way_back_go_live_when_a_person_approves(
    api: Airflow, on_s3: TestLake, before: Any
) -> None:
    """Silver and Gold from Bronze as it was after its first day, and back by restore."""
    now = on_s3.lake.version(on_s3.tables.current)
    first_day = _first_version_with_rows(on_s3)
    shown = _approved(api, {"action": "reprocess", "bronze_version": first_day})
    assert "silver/employees" in shown
    assert on_s3.content() != before

    _approved(api, {"action": "restore", "to_version": now})
    assert on_s3.content() == before


def test_a_dry_run_asks_nobody(api: Airflow) -> None:
    api.unpause(REPROCESS)
    run_id = api.trigger(REPROCESS, {"action": "reprocess", "bronze_version": 1, "dry_run": True})
    assert run_ended(api, REPROCESS, run_id) == "success"
    assert {name: tasks(api, REPROCESS, run_id)[name]["state"] for name in ("approve", "go_live")} == {
        "approve": "skipped",
        "go_live": "skipped",
    }


def test_a_person_is_erased_when_another_approves(api: Airflow, on_s3: TestLake, tmp_path: Path) -> None:
    """The employee's id stands in a Secret of the jobs' namespace, and nowhere in Airflow."""
    ((person,),) = on_s3.read(on_s3.tables.bronze).select("employee_id").take(1)
    (tmp_path / "ids").write_text(f"{person}\n")
    given = f"--from-file=employee-ids={tmp_path / 'ids'}"
    SPARK.kubectl("create", "secret", "generic", "mlb-erasure-request", given)
    try:
        api.unpause(ERASURE)
        run_id = api.trigger(ERASURE, {"reason": "case 17"})
        assert "case 17" in approve(api, ERASURE, run_id)
        assert run_ended(api, ERASURE, run_id) == "success"
    finally:
        SPARK.kubectl("delete", "secret", "mlb-erasure-request")
    assert on_s3.read(on_s3.tables.bronze).where(f"employee_id = '{person}'").isEmpty()
    entry = on_s3.read(ERASURES).collect()[-1]
    assert (entry["reason"], entry["state"]) == ("case 17", "complete")
    assert person not in str(api.result(ERASURE, run_id, "erase"))


def _approved(api: Airflow, conf: dict[str, object]) -> str:
    api.unpause(REPROCESS)
    run_id = api.trigger(REPROCESS, conf)
    shown = approve(api, REPROCESS, run_id)
    assert run_ended(api, REPROCESS, run_id) == "success"
    assert tasks(api, REPROCESS, run_id)["go_live"]["state"] == "success"
    return shown


def _first_version_with_rows(lake: TestLake) -> int:
    """Bronze's version after its first delivery, of that day alone."""
    bronze, newest = lake.tables.bronze, lake.lake.version(lake.tables.bronze)
    versions = range(newest + 1)
    return next(number for number in versions if not lake.lake.read(bronze, number).isEmpty())
