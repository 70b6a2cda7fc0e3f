"""The cluster that KUBECONFIG names, and an S3 server on this machine that its pods can reach."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from deploy import __main__ as platform
from deploy.airflow_api import Airflow
from tests.e2e.deployed import DAYS, PIPELINE, embedded_lake, lake_at, use_s3_keys
from tests.e2e.servers import kubernetes_api, local_values, s3_for_pods, session_on
from tests.lakes import TestLake


@pytest.fixture(scope="session")
def api_server() -> tuple[str, int]:
    """Address and port of the API server, behind its service."""
    return kubernetes_api()


@pytest.fixture(scope="session")
def options() -> list[str]:
    """The local example of the chart's values, for this cluster."""
    return local_values()


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of an S3 server on this machine, as this machine and pods reach it."""
    with s3_for_pods() as url:
        yield url


@pytest.fixture(scope="module")
def api() -> Iterator[Airflow]:
    """The API of Airflow as `make deploy` has installed it, logged in, and the pipeline unpaused."""
    with platform.airflow() as api:
        api.unpause(PIPELINE)
        yield api


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The URL of the cluster's S3, SNS and SQS on this machine."""
    with platform.forwarded(platform.AIRFLOW, f"service/{platform.AWS_LOCAL}", 5000) as port:
        use_s3_keys()
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def spark_on_aws(aws: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session on this machine that reads what the pods have written there."""
    with session_on(aws, tmp_path_factory.mktemp("spark") / "spark.log") as session:
        yield session


@pytest.fixture(scope="module")
def on_s3(spark_on_aws: SparkSession) -> TestLake:
    """The lake in the cluster, read from here."""
    return lake_at(spark_on_aws, "s3a://mlb")


@pytest.fixture(scope="module")
def embedded(spark_on_aws: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TestLake:
    """The same days in this process, on a local disk."""
    return embedded_lake(spark_on_aws, tmp_path_factory.mktemp("embedded"), DAYS)
