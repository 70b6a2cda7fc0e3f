"""The cluster that KUBECONFIG names, and an S3 server on this machine that its pods can reach."""

import os
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from deploy import __main__ as platform
from deploy.airflow_api import Airflow
from spark_jobs.contracts.contract import Contract
from spark_jobs.jobs.runner import run_days
from spark_jobs.sample_feed import write_sample_feed
from spark_jobs.settings import Settings
from tests.e2e.deployed import DAYS, PIPELINE
from tests.e2e.servers import kubernetes_api, local_values, s3_server, session_on
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
    with s3_server() as url:
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
