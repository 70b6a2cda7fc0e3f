"""Long scenarios in Airflow on the cluster, by hand (`make cluster-long`): in their order, on one lake."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from deploy import __main__ as platform
from deploy.airflow_api import Airflow
from spark_jobs.contracts.contract import Contract
from spark_jobs.jobs.runner import run_days
from spark_jobs.lake.tables import ERASURES
from spark_jobs.sample_feed import write_sample_feed
from spark_jobs.settings import Settings
from tests.e2e.deployed import (
    AIRFLOW,
    PIPELINE,
    SPARK,
    approve,
    day_ended,
    deferred_pod,
    drivers,
    run_day,
    run_ended,
    run_of_day,
    tasks,
    tasks_of_day,
)
from tests.lakes import DAY, TestLake

pytestmark = pytest.mark.long
JOBS = ("ingest_raw_data", "etl_process", "load_processed_data", "aggregate_data")
DAYS = [DAY.replace(day=number) for number in (1, 2, 3)]
REPROCESS, ERASURE = "mlb_employee_reprocess", "mlb_employee_erasure"


@pytest.fixture(scope="module")
def on_s3(spark_on_aws: SparkSession, contract: Contract) -> TestLake:
    """The lake in the cluster, read from here."""
    places = {"landing": "s3a://mlb/landing", "lake": "s3a://mlb/lake"}
    return TestLake(spark_on_aws, contract, Settings(**places, pseudonym_key=_key()))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def embedded(
    spark_on_aws: SparkSession, contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> TestLake:
    """The same days in this process, on a local disk."""
    folder = tmp_path_factory.mktemp("embedded")
    write_sample_feed(folder / "landing")
    places = {"landing": str(folder / "landing"), "lake": str(folder / "lake")}
    lake = TestLake(spark_on_aws, contract, Settings(**places, pseudonym_key=_key()))  # type: ignore[arg-type]
    run_days(spark_on_aws, lake.settings, contract, DAYS, lambda run: None)
    return lake


def _key() -> SecretStr:
    return SecretStr(platform.secret(platform.SPARK, "mlb-pseudonym-key")["key"])


def test_a_backfill_of_three_days_gives_the_embedded_runs_gold(
    api: Airflow, on_s3: TestLake, embedded: TestLake
) -> None:
    """Four pods a day, launched by deferred tasks; a scheduler and a triggerer die amid the first."""
    api.backfill(PIPELINE, str(DAYS[0]), str(DAYS[-1]))
    deferred_pod(api, str(DAYS[0]), "etl_process", "etl")
    for component in ("scheduler", "triggerer"):
        selected = f"app.kubernetes.io/component={component}"
        AIRFLOW.kubectl("delete", "pods", "-l", selected, "--grace-period=0", "--force")
    # Of the second day load's pod is deleted: the task is tried again.
    pod = deferred_pod(api, str(DAYS[1]), "load_processed_data", "load")
    SPARK.kubectl("delete", "pod", pod, "--grace-period=0", "--force")

    assert [day_ended(api, str(day)) for day in DAYS] == ["success"] * 3
    assert len(drivers("etl", str(DAYS[0]))) == 1
    assert tasks_of_day(api, str(DAYS[1]))["load_processed_data"]["try_number"] == 2
    run_id = run_of_day(api, str(DAYS[0]))["dag_run_id"]
    told = [api.result(PIPELINE, run_id, task) for task in JOBS]
    assert [result["outcome"] for result in told] == ["succeeded"] * 4
    assert told[0]["rows"]["rows_in"] == 38_083
    assert on_s3.content() == embedded.content()


def test_days_run_again_in_another_order_change_nothing(
    api: Airflow, on_s3: TestLake, embedded: TestLake
) -> None:
    for day in (DAYS[2], DAYS[0]):
        assert run_day(api, str(day)) == "success"
    assert on_s3.content() == embedded.content()


def test_a_reprocess_and_its_way_back_go_live_when_a_person_approves(
    api: Airflow, on_s3: TestLake, embedded: TestLake
) -> None:
    """Silver and Gold from Bronze as it was after its first day, and back by restore."""
    now = on_s3.lake.version(on_s3.tables.current)
    first_day = _first_version_with_rows(on_s3)
    shown = _approved(api, {"action": "reprocess", "bronze_version": first_day})
    assert "silver/employees" in shown
    assert on_s3.content() != embedded.content()

    _approved(api, {"action": "restore", "to_version": now})
    assert on_s3.content() == embedded.content()


def test_a_dry_run_asks_nobody(api: Airflow) -> None:
    run_id = api.trigger(REPROCESS, {"action": "reprocess", "bronze_version": 1, "dry_run": True})
    assert run_ended(api, REPROCESS, run_id) == "success"
    assert {name: tasks(api, REPROCESS, run_id)[name]["state"] for name in ("approve", "go_live")} == {
        "approve": "skipped",
        "go_live": "skipped",
    }


def test_a_person_is_erased_when_another_approves(api: Airflow, on_s3: TestLake, tmp_path: Path) -> None:
    """The employee's id stands in a Secret of the jobs' namespace, and nowhere in Airflow."""
    person = on_s3.read(on_s3.tables.bronze).select("employee_id").head()[0]  # type: ignore[index]
    (tmp_path / "ids").write_text(f"{person}\n")
    given = f"--from-file=employee-ids={tmp_path / 'ids'}"
    SPARK.kubectl("create", "secret", "generic", "mlb-erasure-request", given)
    try:
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
