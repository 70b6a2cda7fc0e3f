"""The sensor that waits for the delivery, against an S3 server."""

from typing import Any

import boto3
import pytest
from airflow.sdk.exceptions import TaskDeferred

from mlb_airflow.failures import JobFailedForGood
from mlb_airflow.sensors import DeliverySensor
from mlb_airflow.settings import Settings
from tests.dags.task_run import TaskStore, context_of


@pytest.fixture
def sensor(aws: str, settings: Settings) -> DeliverySensor:
    boto3.client("s3").create_bucket(Bucket="bucket")
    return DeliverySensor(task_id="start", delivery_date="2023-10-01", settings=settings)


def put(*names: str) -> None:
    for name in names:
        boto3.client("s3").put_object(Bucket="bucket", Key=f"landing/employees/{name}", Body=b"a\n")


def test_it_waits_until_a_file_of_the_day_is_there(sensor: DeliverySensor) -> None:
    context: Any = context_of(sensor, TaskStore())
    put("2023-09-30/NYA.csv", "2023-10-01/_SUCCESS", "2023-10-01/.NYA.csv.draft")
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(context)
    _, arguments = deferred.value.trigger.serialize()
    assert arguments["bucket_key"] == "s3://bucket/landing/employees/2023-10-01/[!._]*"
    put("2023-10-01/NYA.csv")
    sensor.execute(context)


def test_a_delivery_that_does_not_come_fails_without_a_retry_and_says_what_to_do(
    sensor: DeliverySensor,
) -> None:
    context: Any = context_of(sensor, TaskStore())
    with pytest.raises(
        JobFailedForGood, match="The delivery of 2023-10-01 has not come: there is no file in"
    ):
        sensor.resume_execution("__fail__", {"error": "Trigger timeout"}, context)
    failure = context["ti"].pushed["failure"]
    assert "s3a://bucket/landing/employees/2023-10-01/ after 6:00:00" in failure["sentence"]
    assert failure["is_final"] and failure["delivery_date"] == "2023-10-01"
