"""An S3 server on this machine that the cluster's pods can reach, and who looks into it from here."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from spark_jobs.lake.session import start_session
from spark_jobs.settings import Settings
from tests.e2e.cluster import CHART, Namespace
from tests.s3_server import s3_server


def kubernetes_api() -> tuple[str, int]:
    """Address and port of the API server, behind its service."""
    endpoints = Namespace("default").get("endpoints", "kubernetes")["subsets"][0]
    return endpoints["addresses"][0]["ip"], endpoints["ports"][0]["port"]


def local_values() -> list[str]:
    """Helm's options for the local example of the chart's values, for this cluster."""
    address, port = kubernetes_api()
    network = f"networkPolicy.apiServer.cidrs={{{address}/32}},networkPolicy.apiServer.ports={{{port}}}"
    return ["-f", str(CHART / "values-local.yaml"), "--set", network]


@contextmanager
def s3_for_pods() -> Iterator[str]:
    """The URL of an S3 server on this machine, with the bucket `mlb`, as this machine and pods reach it.

    MLB_TEST_HOST is this machine's address as pods see it, by default where the API server is.
    """
    with s3_server("mlb", host=os.environ.get("MLB_TEST_HOST", kubernetes_api()[0])) as url:
        yield url


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
