"""The cluster that KUBECONFIG names, and an S3 server on this machine that its pods can reach."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pydantic import SecretStr
from pyspark.sql import SparkSession

from deploy import __main__ as platform
from deploy.airflow_api import Airflow
from spark_jobs.contracts.contract import Contract
from spark_jobs.jobs.runner import run_days
from spark_jobs.lake.session import start_session
from spark_jobs.sample_feed import write_sample_feed
from spark_jobs.settings import Settings
from tests.e2e.cluster import CHART, Namespace
from tests.e2e.deployed import DAYS, PIPELINE
from tests.lakes import TestLake

#: The keys of the S3 server, which takes any.
KEYS = {"AWS_ACCESS_KEY_ID": "a-key-for-tests", "AWS_SECRET_ACCESS_KEY": "a-secret-for-tests"}


@pytest.fixture(scope="session")
def api_server() -> tuple[str, int]:
    """Address and port of the API server, behind its service."""
    endpoints = Namespace("default").get("endpoints", "kubernetes")["subsets"][0]
    return endpoints["addresses"][0]["ip"], endpoints["ports"][0]["port"]


@pytest.fixture(scope="session")
def options(api_server: tuple[str, int]) -> list[str]:
    """The local example of the chart's values, for this cluster."""
    address, port = api_server
    network = f"networkPolicy.apiServer.cidrs={{{address}/32}},networkPolicy.apiServer.ports={{{port}}}"
    return ["-f", str(CHART / "values-local.yaml"), "--set", network]


@pytest.fixture(scope="session")
def s3(api_server: tuple[str, int]) -> Iterator[str]:
    """The URL of an S3 server on this machine, with the bucket `mlb`, as this machine and pods reach it.

    MLB_TEST_HOST is this machine's address as pods see it, by default where the API server is.
    """
    os.environ |= KEYS  # before the JVM starts, which inherits them
    server = ThreadedMotoServer(os.environ.get("MLB_TEST_HOST", api_server[0]), port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client_of(url).create_bucket(Bucket="mlb")
    yield url
    server.stop()


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
        keys = platform.s3_keys()
        os.environ |= {
            "AWS_ACCESS_KEY_ID": keys["access-key-id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret-access-key"],
        }
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def spark_on_aws(aws: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session on this machine that reads what the pods have written there."""
    with session_on(aws, tmp_path_factory.mktemp("spark") / "spark.log") as session:
        yield session


@pytest.fixture(scope="session")
def pseudonym_key() -> SecretStr:
    """The key of the lake in the cluster."""
    return SecretStr(platform.secret(platform.SPARK, "mlb-pseudonym-key")["key"])


@pytest.fixture(scope="module")
def on_s3(spark_on_aws: SparkSession, contract: Contract, pseudonym_key: SecretStr) -> TestLake:
    """The lake in the cluster, read from here."""
    settings = Settings(landing="s3a://mlb/landing", lake="s3a://mlb/lake", pseudonym_key=pseudonym_key)
    return TestLake(spark_on_aws, contract, settings)


@pytest.fixture(scope="module")
def embedded(
    spark_on_aws: SparkSession,
    contract: Contract,
    pseudonym_key: SecretStr,
    tmp_path_factory: pytest.TempPathFactory,
) -> TestLake:
    """The same days in this process, on a local disk."""
    folder = tmp_path_factory.mktemp("embedded")
    write_sample_feed(folder / "landing")
    settings = Settings(
        landing=str(folder / "landing"), lake=str(folder / "lake"), pseudonym_key=pseudonym_key
    )
    lake = TestLake(spark_on_aws, contract, settings)
    run_days(spark_on_aws, lake.settings, contract, DAYS, lambda run: None)
    return lake


@contextmanager
def session_on(s3: str, log: Path) -> Iterator[SparkSession]:
    """A session on this machine that reads what pods have written to an S3 server."""
    settings = Settings(landing="s3a://mlb/landing", lake="s3a://mlb/lake", s3_endpoint=s3, spark_log=log)
    session = start_session(settings, "tests-e2e")
    yield session
    jvm: Any = session._jvm
    session.stop()
    # The JVM stays: what it keeps by a bucket's name would go on to ask the server of this session.
    jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    jvm.org.apache.hadoop.fs.FileSystem.closeAll()


def client_of(url: str) -> Any:
    """A client of the S3 server that has nothing to do with Hadoop."""
    return boto3.client("s3", endpoint_url=url, region_name="us-east-1")
