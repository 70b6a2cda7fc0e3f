"""A backfill in Airflow on the cluster, disturbed: from the CSV files in S3 to the Gold tables.

On an empty lake: what `make deploy` has in the cluster's bucket, and other tests have put there, goes.
"""

from deploy.airflow_api import Airflow
from tests.e2e.deployed import (
    AIRFLOW,
    DAYS,
    PIPELINE,
    RECOVERY,
    SPARK,
    STAGES,
    asset_triggered,
    day_ended,
    deferred_pod,
    drivers,
    empty_lake,
    run_ended,
    run_of_day,
    tasks_of_day,
)
from tests.lakes import TestLake


def test_a_backfill_of_three_days_goes_on_whoever_dies(api: Airflow, aws: str) -> None:
    """Four pods a day, launched by deferred tasks, each of which holds a slot of the pool; scheduler and
    triggerer die, then a driver.

    The last day's refused rows start the recovery.
    """
    empty_lake(aws)
    tries = _tries_of_load(api)
    api.backfill(PIPELINE, str(DAYS[0]), str(DAYS[-1]))
    deferred_pod(api, str(DAYS[0]), "etl_process", "etl")
    pool = api.call("GET", "/api/v2/pools/spark_jobs")
    assert pool["slots"] - pool["open_slots"] == pool["deferred_slots"] == 1, pool
    before = set(drivers("etl", str(DAYS[0])))
    for component in ("scheduler", "triggerer"):
        selected = f"app.kubernetes.io/component={component}"
        AIRFLOW.kubectl("delete", "pods", "-l", selected, "--grace-period=0", "--force")
    # Of the second day load's pod is deleted: the task is tried again.
    pod = deferred_pod(api, str(DAYS[1]), "load_processed_data", "load")
    SPARK.kubectl("delete", "pod", pod, "--grace-period=0", "--force")

    assert [day_ended(api, str(day)) for day in DAYS[:-1]] == ["success"] * 2
    known = {run["dag_run_id"] for run in api.runs(RECOVERY)}
    api.unpause(RECOVERY)
    assert day_ended(api, str(DAYS[-1])) == "success"
    recovered = asset_triggered(api, RECOVERY, known)
    assert run_ended(api, RECOVERY, recovered) == "success"
    assert api.result(RECOVERY, recovered, "recover")["outcome"] == "succeeded"
    assert set(drivers("etl", str(DAYS[0]))) == before
    assert _tries_of_load(api) == tries + 2
    run_id = run_of_day(api, str(DAYS[0]))["dag_run_id"]
    told = [api.result(PIPELINE, run_id, task) for task in STAGES]
    assert [result["outcome"] for result in told] == ["succeeded"] * 4
    assert told[0]["rows"]["rows_in"] == 38_083


def _tries_of_load(api: Airflow) -> int:
    """Of the second day, those of earlier runs of these tests included."""
    return tasks_of_day(api, str(DAYS[1])).get("load_processed_data", {}).get("try_number", 0)


def test_its_tables_are_those_of_the_embedded_run(on_s3: TestLake, embedded: TestLake) -> None:
    assert on_s3.content() == embedded.content()
