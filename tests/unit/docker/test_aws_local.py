"""docker/aws-local: what it promises to whoever waits for it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.ports import free_port
from tests.waiting import wait_until

SERVE = Path(__file__).parents[3] / "docker" / "aws-local" / "serve.py"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The running server and its port, once it says that it is ready."""
    port, ready = free_port(), tmp_path_factory.mktemp("aws") / "ready"
    settings = {
        "AWS_LOCAL_PORT": str(port),
        "AWS_LOCAL_READY_FILE": str(ready),
        "AWS_LOCAL_BUCKETS": "mlb, airflow-logs",
        "AWS_LOCAL_TOPICS": "mlb-alerts",
    }
    process = subprocess.Popen([sys.executable, str(SERVE)], env={**os.environ, **settings})
    wait_until(lambda: ready.exists() or process.poll() is not None, what="the server is ready")
    assert process.poll() is None, "the server has ended"
    yield process, port
    process.kill()
    process.wait()


def client(service: str, server: tuple[subprocess.Popen[bytes], int], host: str = "127.0.0.1") -> Any:
    return boto3.client(
        service,
        endpoint_url=f"http://{host}:{server[1]}",
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )


def test_buckets_are_there_when_it_is_ready(server: tuple[subprocess.Popen[bytes], int]) -> None:
    buckets = client("s3", server).list_buckets()["Buckets"]
    assert {bucket["Name"] for bucket in buckets} == {"mlb", "airflow-logs"}


def test_the_name_of_a_service_is_no_bucket(server: tuple[subprocess.Popen[bytes], int]) -> None:
    """A cluster's services have dots in their names, which S3's other style would read as a bucket's."""
    s3 = client("s3", server)
    s3.meta.events.register(
        "before-send.s3", lambda request, **_: request.headers.update(Host="airflow-aws-local.airflow.svc")
    )
    s3.put_object(Bucket="mlb", Key="a/key", Body=b"kept")
    assert client("s3", server).get_object(Bucket="mlb", Key="a/key")["Body"].read() == b"kept"


def test_what_is_published_can_be_read(server: tuple[subprocess.Popen[bytes], int]) -> None:
    client("sns", server).publish(
        TopicArn="arn:aws:sns:us-east-1:123456789012:mlb-alerts", Subject="etl failed", Message="why"
    )
    sqs = client("sqs", server)
    url = sqs.get_queue_url(QueueName="mlb-alerts")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    bodies = [json.loads(message["Body"]) for message in messages]
    assert [(body["Subject"], body["Message"]) for body in bodies] == [("etl failed", "why")]


def test_it_ends_when_it_is_told_to(server: tuple[subprocess.Popen[bytes], int]) -> None:
    process = server[0]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
