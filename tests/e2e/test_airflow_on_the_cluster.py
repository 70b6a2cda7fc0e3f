"""Airflow in the cluster runs the pipeline: what `make deploy` has installed, with real pods all through.

`make deploy` comes first. Each test uses days of its own; one day is a few minutes on two processors.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from deploy import __main__ as platform
from deploy.airflow_api import Airflow
from spark_jobs.contracts.contract import Contract
from spark_jobs.jobs.runner import run_days
from spark_jobs.lake.session import start_session
from spark_jobs.sample_feed import write_sample_feed
from spark_jobs.settings import Settings
from tests.e2e.cluster import Namespace, wait_until
from tests.lakes import DAY, TestLake, csv_of, employment

PIPELINE = platform.PIPELINE
JOBS = ("ingest_raw_data", "etl_process", "load_processed_data", "aggregate_data")
DAYS = [DAY.replace(day=number) for number in (1, 2, 3)]
#: A day's four pods, each with its JVM, on two processors that the cluster shares.
LONGEST = 1500
SPARK, AIRFLOW = Namespace(platform.SPARK), Namespace(platform.AIRFLOW)


@pytest.fixture(scope="module")
def api() -> Iterator[Airflow]:
    """Airflow's API, logged in, and the pipeline unpaused."""
    with platform.airflow() as api:
        api.unpause(PIPELINE)
        yield api


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The URL of the cluster's S3, SNS and SQS on this machine."""
    with platform.forwarded(platform.AIRFLOW, f"service/{platform.AWS_LOCAL}", 5000) as port:
        keys = platform.s3_keys()
        os.environ |= {
            "AWS_ACCESS_KEY_ID": keys["access-key-id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret-access-key"],
        }
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def spark(aws: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session on this machine that reads what the pods have written."""
    log = tmp_path_factory.mktemp("spark") / "spark.log"
    settings = Settings(landing="s3a://mlb/landing", lake="s3a://mlb/lake", s3_endpoint=aws, spark_log=log)
    session = start_session(settings, "tests-e2e")
    yield session
    session.stop()


def client(service: str, url: str) -> Any:
    return boto3.client(service, endpoint_url=url, region_name="us-east-1")


def run_of_day(api: Airflow, day: str) -> dict[str, Any]:
    return next(iter(api.runs_of_day(PIPELINE, day)), {})


def ended(api: Airflow, day: str) -> str:
    """The state of a day's run, once it has ended."""
    wait_until(lambda: run_of_day(api, day).get("state") in ("success", "failed"), LONGEST)
    return run_of_day(api, day)["state"]


def tasks(api: Airflow, day: str) -> dict[str, dict[str, Any]]:
    run_id = run_of_day(api, day)["dag_run_id"]
    return {task["task_id"]: task for task in api.tasks(PIPELINE, run_id)}


def deferred_pod(api: Airflow, day: str, task: str, job: str) -> str:
    """The pod of a task, once the task is deferred and the pod runs."""

    def found() -> list[str]:
        listed = SPARK.get("pods", "-l", f"mlb/job={job},mlb/delivery-date={day}")["items"]
        return [pod["metadata"]["name"] for pod in listed if pod["status"]["phase"] == "Running"]

    wait_until(
        lambda: bool(
            run_of_day(api, day)
            and tasks(api, day).get(task, {}).get("state") == "deferred"
            and [pod for pod in found() if "-exec-" not in pod]
        ),
        LONGEST,
    )
    return next(pod for pod in found() if "-exec-" not in pod)


def drivers(job: str, day: str) -> list[str]:
    """All driver pods there have been for a job and a day."""
    selected = f"mlb/job={job},mlb/delivery-date={day},app.kubernetes.io/component=driver"
    return [pod["metadata"]["name"] for pod in SPARK.get("pods", "-l", selected)["items"]]


def alerts(aws: str) -> list[dict[str, Any]]:
    """The alerts that have arrived in the queue of the topic, taken out of it."""
    sqs = client("sqs", aws)
    url = sqs.get_queue_url(QueueName="mlb-alerts")["QueueUrl"]
    url = f"{aws}/{url.split('/', 3)[3]}"
    received = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            received.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return received


@pytest.mark.long
def test_a_backfill_of_three_days_gives_the_embedded_runs_gold(
    api: Airflow, aws: str, spark: SparkSession, contract: Contract, tmp_path: Path
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

    assert [ended(api, str(day)) for day in DAYS] == ["success"] * 3
    assert len(drivers("etl", str(DAYS[0]))) == 1
    assert tasks(api, str(DAYS[1]))["load_processed_data"]["try_number"] == 2
    run_id = run_of_day(api, str(DAYS[0]))["dag_run_id"]
    told = [api.result(PIPELINE, run_id, task) for task in JOBS]
    assert [result["outcome"] for result in told] == ["succeeded"] * 4
    assert told[0]["rows"]["rows_in"] == 38_083

    key = SecretStr(platform.secret(platform.SPARK, "mlb-pseudonym-key")["key"])
    write_sample_feed(tmp_path / "landing")
    landing, lake = str(tmp_path / "landing"), str(tmp_path / "lake")
    embedded = TestLake(spark, contract, Settings(landing=landing, lake=lake, pseudonym_key=key))
    run_days(spark, embedded.settings, contract, DAYS, lambda run: None)
    on_s3 = TestLake(spark, contract, Settings(pseudonym_key=key, lake="s3a://mlb/lake"))
    assert on_s3.content() == embedded.content()


def test_bad_data_fails_at_once_and_is_told_once(api: Airflow, aws: str) -> None:
    day = "2023-11-01"
    bad = csv_of(*(employment(employee_id=f"person{n:02}", salary="lots") for n in range(8)))
    client("s3", aws).put_object(Bucket="mlb", Key=f"landing/employees/{day}/bad.csv", Body=bad.encode())
    alerts(aws)
    api.backfill(PIPELINE, day)
    assert ended(api, day) == "failed"
    states = tasks(api, day)
    assert (states["etl_process"]["state"], states["etl_process"]["try_number"]) == ("failed", 1)
    assert states["load_processed_data"]["state"] == "upstream_failed"
    assert states["notify_failure"]["state"] == "success"
    received = [alert for alert in alerts(aws) if day in alert["Message"]]
    assert len(received) == 1
    assert "in the quarantine, more than the limit" in received[0]["Message"]
    assert "kubectl" in received[0]["Message"]
