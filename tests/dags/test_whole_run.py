"""Whole runs of the pipeline in Airflow's own task runner, with XComs and states in a database (SQLite).

Airflow runs the triggers inside of the test, too; the pods are those of a small Kubernetes API.
"""

import datetime as dt
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import select

from mlb_airflow.operators import SparkJobOperator
from mlb_airflow.triggers import SparkJobTrigger
from tests.dags.inbox import Inbox
from tests.dags.kube_api import KubeApi
from tests.dags.test_dags import DAGS, PIPELINE

BAD_DATA = {
    "outcome": "failed",
    "exit_code": 3,
    "error": "412 of 900 rows refused.",
    "rows": {"quarantined": 412},
}


def succeeded(job: str) -> tuple[int, dict[str, Any]]:
    return 0, {
        "job": job,
        "outcome": "succeeded",
        "exit_code": 0,
        "rows": {"quarantined": int(job == "etl")},
    }


@pytest.fixture(scope="module")
def database() -> None:
    initdb()


@contextmanager
def pods_that_end(kube: KubeApi, end: Callable[[str], tuple[int, dict[str, Any]]]) -> Iterator[None]:
    """Every pod starts and ends within a second, as a function of its job says."""
    stop = threading.Event()

    def play() -> None:
        while not stop.wait(0.5):
            for pod in list(kube.pods.values()):
                if pod["status"]["phase"] in ("Pending", "Running"):
                    kube.ended(*end(pod["metadata"]["labels"]["mlb/job"]))

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def run_of(
    kube: KubeApi, day: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, dict[str, TaskInstance], Any]:
    """A run's state, its tasks by name, and its XComs by task and key."""
    monkeypatch.setattr(SparkJobTrigger, "EARLIEST", 0.0)
    date = dt.datetime(2023, 10, day, tzinfo=dt.UTC)
    key = f"landing/employees/{date - dt.timedelta(days=1):%Y-%m-%d}/NYA.csv"
    boto3.client("s3").create_bucket(Bucket="bucket")
    boto3.client("s3").put_object(Bucket="bucket", Key=key, Body=b"a\n")
    dag = DagBag(DAGS).dags[PIPELINE]
    # dag.test() of Airflow 3.3.2 looks for the deadline's row in the database, which it has not made.
    dag.deadline = None
    for task in dag.tasks:
        task.pool = "default_pool"
        if isinstance(task, SparkJobOperator):
            task.in_cluster, task.config_file, task.poll_interval = False, str(kube.config_file), 0.5
    run = dag.test(logical_date=date)
    if pods := os.environ.get("TESTS_PODS"):  # tests/dags/test_lineage.py looks at them
        Path(pods).write_text(json.dumps(list(kube.pods.values())))
    with create_session() as session:
        tasks = session.scalars(select(TaskInstance).where(TaskInstance.run_id == run.run_id)).all()
        xcoms = session.scalars(select(XComModel).where(XComModel.run_id == run.run_id)).all()
        session.expunge_all()
    return str(run.state), {ti.task_id: ti for ti in tasks}, {(x.task_id, x.key): x.value for x in xcoms}


@pytest.mark.usefixtures("database")
def test_a_good_day_with_refused_rows(kube: KubeApi, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with pods_that_end(kube, succeeded):
        state, tasks, xcoms = run_of(kube, 2, monkeypatch)
    assert state == "success"
    states = {name: str(ti.state) for name, ti in tasks.items()}
    assert states.pop("notify_failure") == "skipped"
    assert set(states.values()) == {"success"}
    days = {pod["metadata"]["labels"]["mlb/delivery-date"] for pod in kube.pods.values()}
    assert len(kube.pods) == 4 and days == {"2023-10-01"}, (
        "the run at midnight after day D takes delivery D"
    )
    assert xcoms["etl_process", "return_value"]["rows"] == {"quarantined": 1}
    assert inbox.read() == []


@pytest.mark.usefixtures("database")
def test_a_day_of_bad_data(kube: KubeApi, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with pods_that_end(kube, lambda job: (3, BAD_DATA) if job == "etl" else succeeded(job)):
        state, tasks, _ = run_of(kube, 3, monkeypatch)
    assert state == "failed"
    assert {name: str(ti.state) for name, ti in tasks.items()} == {
        "start": "success",
        "ingest_raw_data": "success",
        "etl_process": "failed",
        "load_processed_data": "upstream_failed",
        "aggregate_data": "upstream_failed",
        "hand_over_refused_rows": "upstream_failed",
        "notify_failure": "success",
    }
    assert tasks["etl_process"].try_number == 1 and len(kube.pods) == 2, "bad data is not tried again"
    (message,) = [json.loads(each)["Message"] for each in inbox.read()]
    assert "412 of 900 rows refused." in message and "Rows refused:  412" in message
