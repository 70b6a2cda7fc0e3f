"""An S3 server on this machine, a session that speaks to it, and a client to look with."""

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pyspark.sql import SparkSession

from spark_jobs.lake.session import start_session
from spark_jobs.settings import Settings
from tests.s3.proxy import Proxy

KEYS = {"AWS_ACCESS_KEY_ID": "a-key-for-tests", "AWS_SECRET_ACCESS_KEY": "a-secret-for-tests"}


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The address of the S3 server."""
    os.environ |= KEYS  # before the JVM starts, which inherits them
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def client(endpoint: str) -> Any:
    """A client of the server that has nothing to do with Hadoop."""
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")


@pytest.fixture(scope="session")
def proxy(endpoint: str) -> Iterator[Proxy]:
    """A way to the server that a test can disturb."""
    with Proxy(endpoint) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def spark(
    endpoint: str, client: Any, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SparkSession]:
    """A session as the jobs have it: bucket `lake` directly, bucket `disturbed` through the proxy."""
    for bucket in ("lake", "disturbed"):
        client.create_bucket(Bucket=bucket)
    log = tmp_path_factory.mktemp("spark") / "spark.log"
    settings = Settings(
        landing="s3a://lake/landing", lake="s3a://lake", s3_endpoint=endpoint, spark_log=log
    )
    session = start_session(settings, "tests-s3")
    yield session
    session.stop()
