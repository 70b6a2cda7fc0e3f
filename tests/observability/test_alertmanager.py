"""From a figure to a person: Prometheus and Alertmanager, with what is shipped for them, and SNS."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from tests.observability.servers import ROOT, prometheus_of, server, shown
from tests.ports import free_port
from tests.waiting import wait_until
from tools.observability_tools import program

CONFIG = ROOT / "observability" / "alertmanager.yml"
LOST = 'mlb_delivery_conservation_difference_rows{mlb_job="etl",delivery="2023-10-01"}'
KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}


def test_the_configuration_is_one() -> None:
    command = [program("amtool"), "check-config", str(CONFIG)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("platform=mlb-employee-data severity=critical", "sns"),
        ("platform=mlb-employee-data severity=warning", "sns"),
        ("alertname=NodeDown severity=critical", "elsewhere"),
    ],
)
def test_only_the_platforms_alerts_go_to_sns(labels: str, receiver: str) -> None:
    command = [program("amtool"), "config", "routes", "test", f"--config.file={CONFIG}", *labels.split()]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.strip() == receiver, done.stdout + done.stderr


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[str]:
    """The local stand-in's URL (docker/aws-local): a topic, and a queue of its name that reads it."""
    port = free_port()
    settings = {
        "AWS_LOCAL_PORT": str(port),
        "AWS_LOCAL_TOPICS": "mlb-alerts",
        "AWS_LOCAL_READY_FILE": str(tmp_path / "ready"),
    }
    program_file = ROOT / "docker" / "aws-local" / "serve.py"
    command = ["env", *(f"{name}={value}" for name, value in settings.items())]
    command += [sys.executable, str(program_file)]
    with server(command, f"http://127.0.0.1:{port}/moto-api/", tmp_path / "aws.log"):
        wait_until((tmp_path / "ready").exists, what="the topic and its queue")
        yield f"http://127.0.0.1:{port}"


def local_config(aws: str) -> dict[str, Any]:
    """The shipped configuration, with the local topic and without a wait."""
    config = yaml.safe_load(CONFIG.read_text())
    for route in config["route"]["routes"]:
        route |= {"group_wait": "0s", "group_interval": "1s"}
    (sns,) = next(each["sns_configs"] for each in config["receivers"] if each["name"] == "sns")
    topic = "arn:aws:sns:us-east-1:123456789012:mlb-alerts"
    sns |= {"topic_arn": topic, "api_url": aws, "sigv4": {"region": "us-east-1"}}
    return config


def messages(aws: str) -> list[dict[str, Any]]:
    """What has arrived in the queue, as SNS wraps it; gone afterwards."""
    sqs = boto3.client(
        "sqs",
        endpoint_url=aws,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    queue = sqs.get_queue_url(QueueName="mlb-alerts")["QueueUrl"]
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in found]


def test_lost_rows_reach_the_person_on_call_and_their_end_does_too(
    aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(local_config(aws)))
    address = f"127.0.0.1:{free_port()}"
    command = [
        program("alertmanager"),
        f"--config.file={tmp_path / 'alertmanager.yml'}",
        f"--storage.path={tmp_path / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    figures = {LOST: 3}
    rules = {
        "rule_files": [str(ROOT / "observability" / "rules" / "spark-jobs.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]},
    }
    with (
        server(command, f"http://{address}/-/ready", tmp_path / "alertmanager.log"),
        shown(lambda: "".join(f"{name} {value}\n" for name, value in figures.items())) as page,
        prometheus_of(tmp_path, [page], **rules),
    ):
        (told,) = wait_until(lambda: messages(aws), what="the alert")
        figures[LOST] = 0
        (over,) = wait_until(lambda: messages(aws), what="its end")
    assert told["Subject"] == "CRITICAL: MlbConservationFailed"
    assert told["Message"].startswith(
        "What happened: etl has lost or doubled rows\nRows that came in are not"
    )
    assert "etl 2023-10-01" in told["Message"]
    assert "What to do:    docs/runbooks/alert-conservation.md" in told["Message"]
    attributes = {name: value["Value"] for name, value in told["MessageAttributes"].items()}
    assert attributes == {"kind": "alert", "severity": "critical", "alertname": "MlbConservationFailed"}
    assert over["Subject"] == "OVER: MlbConservationFailed" and "Over:  " in over["Message"]
