"""What `make deploy` has installed, as the tests look at it: Airflow's runs, the jobs' pods, the alerts."""

import datetime as dt
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
from pydantic import SecretStr
from pyspark.sql import SparkSession

from deploy import __main__ as platform
from deploy.airflow_api import Airflow
from spark_jobs.contracts.contract import read_contract
from spark_jobs.jobs.runner import run_days
from spark_jobs.sample_feed import write_sample_feed
from spark_jobs.settings import CONTRACT, Settings
from tests.e2e.cluster import Namespace
from tests.lakes import DAY, TestLake
from tests.waiting import wait_until

PIPELINE, RECOVERY = platform.PIPELINE, "mlb_employee_recovery"
SPARK, AIRFLOW = Namespace(platform.SPARK), Namespace(platform.AIRFLOW)
#: The deliveries that `make deploy` puts into S3.
DAYS = [DAY.replace(day=number) for number in (1, 2, 3)]
#: A day's four pods, each with its JVM, on two processors that the cluster shares.
LONGEST = 1500
_ENDED = ("success", "failed")
#: The tasks of a day's run that start a pod, and the job of each.
STAGES = {
    "ingest_raw_data": "ingest",
    "etl_process": "etl",
    "load_processed_data": "load",
    "aggregate_data": "aggregate",
}


def client(service: str, url: str) -> Any:
    """A client of the cluster's S3, SNS and SQS."""
    return boto3.client(service, endpoint_url=url, region_name="us-east-1")


def use_s3_keys() -> None:
    """Put the keys of the cluster's S3 where this process's clients and its JVM look for them."""
    keys = platform.s3_keys()
    os.environ |= {
        "AWS_ACCESS_KEY_ID": keys["access-key-id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret-access-key"],
    }


def empty_lake(aws: str) -> None:
    """Empty the lake in the cluster's bucket; its landing zone stays."""
    store: Any = boto3.resource("s3", endpoint_url=aws, region_name="us-east-1")
    store.Bucket("mlb").objects.filter(Prefix="lake/").delete()


def lake_at(spark: SparkSession, place: str) -> TestLake:
    """A lake and landing zone at a place, with the key of the lake in the cluster."""
    key = SecretStr(platform.secret(platform.SPARK, "mlb-pseudonym-key")["key"])
    settings = Settings(landing=f"{place}/landing", lake=f"{place}/lake", pseudonym_key=key)
    return TestLake(spark, read_contract(CONTRACT), settings)


def embedded_lake(spark: SparkSession, folder: Path, days: Sequence[dt.date]) -> TestLake:
    """Days of the sample feed in this process, on a local disk."""
    write_sample_feed(folder / "landing")
    lake = lake_at(spark, str(folder))
    run_days(spark, lake.settings, lake.contract, list(days), lambda run: None)
    return lake


def put(aws: str, key: str, content: str) -> None:
    """Put a file into the bucket."""
    client("s3", aws).put_object(Bucket="mlb", Key=key, Body=content.encode())


def run_of_day(api: Airflow, day: str) -> dict[str, Any]:
    """The pipeline's newest run for a day; empty while there is none."""
    return next(iter(api.runs_of_day(PIPELINE, day)), {})


def day_ended(api: Airflow, day: str) -> str:
    """The state of a day's run, once it has ended."""
    wait_until(lambda: run_of_day(api, day).get("state") in _ENDED, LONGEST)
    return run_of_day(api, day)["state"]


def run_day(api: Airflow, day: str) -> str:
    """Run the pipeline for a day, once more if it has run; the state in which that ends."""
    return backfilled(api, [day])[0]


def backfilled(api: Airflow, days: Sequence[str], at_once: int = 1) -> list[str]:
    """Run the pipeline for some days on end, as `run_day` does for one; the states in which they end."""
    known = {day: api.starts_of_day(PIPELINE, day) for day in days}
    api.backfill(PIPELINE, days[0], days[-1], at_once=at_once)
    states = []
    for day in days:
        wait_until(lambda day=day: bool(api.starts_of_day(PIPELINE, day) - known[day]), LONGEST)
        states.append(day_ended(api, day))
    return states


def run_ended(api: Airflow, dag: str, run_id: str) -> str:
    """The state of a run, once it has ended."""
    wait_until(lambda: api.run_state(dag, run_id) in _ENDED, LONGEST)
    return api.run_state(dag, run_id)


def asset_triggered(api: Airflow, dag: str, known: set[str]) -> str:
    """The run that an asset has started besides those that are known."""

    def new() -> list[str]:
        runs = [run["dag_run_id"] for run in api.runs(dag) if run["dag_run_id"] not in known]
        return [run_id for run_id in runs if run_id.startswith("asset_triggered")]

    wait_until(lambda: bool(new()), LONGEST)
    return new()[-1]


def tasks(api: Airflow, dag: str, run_id: str) -> dict[str, dict[str, Any]]:
    """A run's tasks by name."""
    return {task["task_id"]: task for task in api.tasks(dag, run_id)}


def tasks_of_day(api: Airflow, day: str) -> dict[str, dict[str, Any]]:
    """The tasks of a day's run; none while there is no run."""
    run = run_of_day(api, day)
    return tasks(api, PIPELINE, run["dag_run_id"]) if run else {}


def approve(api: Airflow, dag: str, run_id: str) -> str:
    """Approve what a run waits for, as a person does in the UI; what it showed that person."""
    place = f"/api/v2/dags/{dag}/dagRuns/{quote(run_id, safe='')}/taskInstances/approve/-1/hitlDetails"

    def state() -> str | None:
        return tasks(api, dag, run_id).get("approve", {}).get("state")

    wait_until(lambda: state() == "awaiting_input" or api.run_state(dag, run_id) in _ENDED, LONGEST)
    assert state() == "awaiting_input", tasks(api, dag, run_id)
    _scheduler_goes_round(api)
    asked = api.call("GET", place)
    api.call("PATCH", place, {"chosen_options": ["Approve"], "params_input": {}})
    return asked["body"]


def _scheduler_goes_round(api: Airflow) -> None:
    """Wait until the scheduler has heard that the process of a task that waits has ended.

    Airflow fails a task that goes on before that, as one that was killed: no person answers so quickly.
    """
    for _ in range(2):
        before = _heartbeat(api)
        wait_until(lambda before=before: _heartbeat(api) != before, LONGEST)


def _heartbeat(api: Airflow) -> str:
    return api.call("GET", "/api/v2/monitor/health")["scheduler"]["latest_scheduler_heartbeat"]


def drivers(job: str, day: str) -> list[str]:
    """All driver pods there have been for a job and a day."""
    return [pod["metadata"]["name"] for pod in _driver_pods(job, day)]


def deferred_pod(api: Airflow, day: str, task: str, job: str) -> str:
    """The pod of a task of the pipeline, once the task is deferred and the pod runs."""

    def running() -> list[str]:
        pods = _driver_pods(job, day)
        return [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] == "Running"]

    def waits() -> bool:
        return tasks_of_day(api, day).get(task, {}).get("state") == "deferred" and bool(running())

    wait_until(waits, LONGEST)
    return running()[0]


def _driver_pods(job: str, day: str) -> list[dict[str, Any]]:
    selected = f"mlb/job={job},mlb/delivery-date={day},app.kubernetes.io/component=driver"
    return SPARK.get("pods", "-l", selected)["items"]


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
