"""What `make deploy` has installed, as the tests look at it: Airflow's runs, the jobs' pods, the alerts."""

import json
from typing import Any
from urllib.parse import quote

import boto3

from deploy import __main__ as platform
from deploy.airflow_api import Airflow
from tests.e2e.cluster import Namespace, wait_until
from tests.lakes import DAY

PIPELINE, RECOVERY = platform.PIPELINE, "mlb_employee_recovery"
SPARK, AIRFLOW = Namespace(platform.SPARK), Namespace(platform.AIRFLOW)
#: The deliveries that `make deploy` puts into S3.
DAYS = [DAY.replace(day=number) for number in (1, 2, 3)]
#: A day's four pods, each with its JVM, on two processors that the cluster shares.
LONGEST = 1500
_ENDED = ("success", "failed")


def client(service: str, url: str) -> Any:
    """A client of the cluster's S3, SNS and SQS."""
    return boto3.client(service, endpoint_url=url, region_name="us-east-1")


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
    known = api.starts_of_day(PIPELINE, day)
    api.backfill(PIPELINE, day)
    wait_until(lambda: bool(api.starts_of_day(PIPELINE, day) - known), LONGEST)
    return day_ended(api, day)


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
