"""Airflow's home for the tests, the settings they run under, and the servers that they start."""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# Airflow reads its configuration when it is first imported.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="mlb-airflow-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], True)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(Path(__file__).parents[2] / "dags")
os.environ["AIRFLOW__API__BASE_URL"] = "https://airflow.example.org"
for _name in [name for name in os.environ if name.startswith("MLB_")]:
    del os.environ[_name]
os.environ["MLB_LANDING"] = "s3a://bucket/landing"

import pytest  # noqa: E402

from mlb_airflow.settings import Settings  # noqa: E402
from tests.dags.inbox import Inbox  # noqa: E402
from tests.dags.kube_api import KubeApi  # noqa: E402


@pytest.fixture
def settings() -> Settings:
    return Settings(landing="s3a://bucket/landing")


@pytest.fixture
def kube(tmp_path: Path) -> Iterator[KubeApi]:
    """A Kubernetes API with the chart's pod templates in it."""
    with KubeApi(tmp_path) as api:
        yield api


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The URL of an SNS, SQS and S3 server, which boto3 and Airflow use by themselves."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        "from moto.server import main; main()",
        "-H",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://")
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield url
        finally:
            server.terminate()
            server.wait()


@pytest.fixture
def inbox(aws: str, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    """Where alerts arrive; empty at first."""
    inbox = Inbox()
    inbox.read()
    monkeypatch.setenv("MLB_ALERTS_TOPIC_ARN", inbox.topic)
    return inbox
