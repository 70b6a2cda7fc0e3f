"""Airflow in the cluster runs the pipeline: what `make deploy` has installed, with real pods all through.

Each test uses days of its own; one day is a few minutes on two processors.
"""

import csv
import io
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from deploy import __main__ as platform
from deploy.airflow_api import Airflow
from tests.e2e.deployed import (
    RECOVERY,
    SPARK,
    alerts,
    asset_triggered,
    put,
    run_day,
    run_ended,
    tasks_of_day,
)
from tests.lakes import csv_of, employment
from tests.waiting import wait_until


def test_bad_data_fails_at_once_and_is_told_once(api: Airflow, aws: str) -> None:
    day = "2023-11-01"
    bad = csv_of(*(employment(employee_id=f"person{n:02}", salary="lots") for n in range(8)))
    put(aws, f"landing/employees/{day}/bad.csv", bad)
    alerts(aws)
    assert run_day(api, day) == "failed"
    states = tasks_of_day(api, day)
    assert (states["etl_process"]["state"], states["etl_process"]["try_number"]) == ("failed", 1)
    assert states["load_processed_data"]["state"] == "upstream_failed"
    assert states["notify_failure"]["state"] == "success"
    received = [alert for alert in alerts(aws) if day in alert["Message"]]
    assert len(received) == 1
    assert "in the quarantine, more than the limit" in received[0]["Message"]
    assert "kubectl" in received[0]["Message"]
    # It counts in Airflow's figures, and its pod leads to the log.
    pipeline = 'dag_id="mlb_employee_data_pipeline"'
    failed = f'airflow_task_ends_total{{{pipeline},state="failed",task_id="etl_process"}} 1\n'
    wait_until(lambda: failed in figures_of_airflow(), 60)
    pods = SPARK.get("pods", "-l", f"mlb/job=etl,mlb/delivery-date={day}")["items"]
    logs = [pod["metadata"]["annotations"]["mlb/airflow-log"] for pod in pods]
    assert logs and all("/tasks/etl_process" in log for log in logs)


def figures_of_airflow() -> str:
    """What Prometheus would read of the exporter."""
    with (
        platform.forwarded(platform.AIRFLOW, "service/airflow-statsd-exporter", 9102) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer,
    ):
        return answer.read().decode()


@pytest.mark.long
def test_refused_rows_are_judged_again_and_come_back_as_mended(
    api: Airflow, aws: str, tmp_path: Path
) -> None:
    """One row of twenty is refused: the recovery runs by itself, and by hand with corrections."""
    day = "2023-11-02"
    rows = [employment(employee_id=f"person{n:02}", salary="1000000") for n in range(20)]
    rows[7]["salary"] = "lots"
    put(aws, f"landing/employees/{day}/one.csv", csv_of(*rows))
    api.unpause(RECOVERY)
    before = {run["dag_run_id"] for run in api.runs(RECOVERY)}
    assert run_day(api, day) == "success"
    assert tasks_of_day(api, day)["hand_over_refused_rows"]["state"] == "success"
    by_itself = asset_triggered(api, RECOVERY, before)
    assert run_ended(api, RECOVERY, by_itself) == "success"
    assert api.result(RECOVERY, by_itself, "recover")["outcome"] == "succeeded"

    mended = _export(aws, day, tmp_path / "refused.csv")
    assert [row["employee_id"] for row in mended] == ["person07"]
    mended[0] |= {"decision": "mend", "salary": "2000000"}
    put(aws, "corrections/refused.csv", _as_csv(mended))
    by_hand = api.trigger(RECOVERY, {"corrections": "s3a://mlb/corrections/refused.csv"})
    assert run_ended(api, RECOVERY, by_hand) == "success"
    assert api.result(RECOVERY, by_hand, "recover")["rows"]["replayed"] == 1
    assert _export(aws, day, tmp_path / "after.csv") == []


def _export(aws: str, day: str, file: Path) -> list[dict[str, str]]:
    """What a person gets from `spark-jobs quarantine export` on the lake in the cluster."""
    places = {"MLB_LANDING": "s3a://mlb/landing", "MLB_LAKE": "s3a://mlb/lake", "MLB_S3_ENDPOINT": aws}
    command = ["quarantine", "export", "--date", day, "--output", str(file)]
    subprocess.run(
        [sys.executable, "-m", "spark_jobs", *command], env=os.environ | places, check=True, timeout=300
    )
    return list(csv.DictReader(io.StringIO(file.read_text(), newline="")))


def _as_csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO(newline="")
    lines = csv.DictWriter(text, list(rows[0]))
    lines.writeheader()
    lines.writerows(rows)
    return text.getvalue()
