"""Airflow's home for the tests, the settings they run under, and the servers that they start."""

import atexit
import os
import shutil
import tempfile
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
from tests.s3_server import REGION, s3_server  # noqa: E402


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
    with s3_server() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://")
        yield url


@pytest.fixture
def inbox(aws: str, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    """Where alerts arrive; empty at first."""
    inbox = Inbox()
    inbox.read()
    monkeypatch.setenv("MLB_ALERTS_TOPIC_ARN", inbox.topic)
    return inbox
