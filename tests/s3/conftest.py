"""An S3 server on this machine, a session that speaks to it, and a client to look with."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.lake.session import start_session
from spark_jobs.settings import Settings
from tests.s3.proxy import Proxy
from tests.s3_server import client_of, s3_server


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The address of the S3 server."""
    with s3_server("lake", "disturbed") as url:
        yield url


@pytest.fixture(scope="session")
def client(endpoint: str) -> Any:
    """A client of the server that has nothing to do with Hadoop."""
    return client_of(endpoint)


@pytest.fixture(scope="session")
def proxy(endpoint: str) -> Iterator[Proxy]:
    """A way to the server that a test can disturb."""
    with Proxy(endpoint) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def spark(endpoint: str, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session as the jobs have it: bucket `lake` directly, bucket `disturbed` through the proxy."""
    log = tmp_path_factory.mktemp("spark") / "spark.log"
    settings = Settings(
        landing="s3a://lake/landing", lake="s3a://lake", s3_endpoint=endpoint, spark_log=log
    )
    session = start_session(settings, "tests-s3")
    yield session
    session.stop()
