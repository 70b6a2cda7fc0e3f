"""Every kind of credentials, to the request that they sign; and what people read where it fails."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.errors import JobError
from spark_jobs.lake.s3 import check_reachable
from spark_jobs.settings import Settings
from tests.s3.proxy import Answer, Proxy, Request

pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture
def signed_by(proxy: Proxy) -> Iterator[set[str]]:
    """The access keys of the requests that reach the store."""
    seen: set[str] = set()

    def watch(request: Request) -> Answer | None:
        authorization = request.headers.get("Authorization", "")
        if "Credential=" in authorization:
            seen.add(authorization.split("Credential=")[1].split("/")[0])
        return None

    proxy.rules.append(watch)
    yield seen
    proxy.rules.clear()


def start_driver(proxy: Proxy, tmp_path: Path, **credentials: str) -> None:
    """Start a session in a process that has these credentials and no others."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "MLB_LAKE": "s3a://lake",
        "MLB_S3_ENDPOINT": proxy.url,
        "MLB_SPARK_LOG": str(tmp_path / "spark.log"),
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1",
        "AWS_REGION": "us-east-1",
        **credentials,
    }
    command = [sys.executable, "-m", "tests.s3.driver", "one", "s3a://lake/unused"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, cwd=root, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.stdout == "ready\n", done.stderr


def test_a_file_of_keys(proxy: Proxy, tmp_path: Path, signed_by: set[str]) -> None:
    keys = tmp_path / "credentials"
    keys.write_text("[default]\naws_access_key_id = from-a-file\naws_secret_access_key = secret\n")
    start_driver(proxy, tmp_path, AWS_SHARED_CREDENTIALS_FILE=str(keys))
    assert signed_by == {"from-a-file"}


def test_a_web_identity_as_irsa_gives_it(proxy: Proxy, tmp_path: Path, signed_by: set[str]) -> None:
    token = tmp_path / "token"
    token.write_text("a-web-identity-token")
    start_driver(
        proxy,
        tmp_path,
        AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
        AWS_ROLE_ARN="arn:aws:iam::123456789012:role/spark-jobs",
        AWS_ENDPOINT_URL_STS=proxy.url,
    )
    # Temporary keys, as STS hands them out.
    assert len(signed_by) == 1 and signed_by.pop().startswith("ASIA")


def test_container_credentials_as_pod_identity_gives_them(
    proxy: Proxy, tmp_path: Path, signed_by: set[str]
) -> None:
    token = tmp_path / "token"
    token.write_text("a-pod-identity-token")
    with pod_identity_agent("a-pod-identity-token") as url:
        start_driver(
            proxy,
            tmp_path,
            AWS_CONTAINER_CREDENTIALS_FULL_URI=url,
            AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token),
        )
    assert signed_by == {"from-the-agent"}


@contextmanager
def pod_identity_agent(token: str) -> Iterator[str]:
    """What EKS runs on each node: gives credentials to whoever shows the pod's token."""
    credentials = {
        "AccessKeyId": "from-the-agent",
        "SecretAccessKey": "secret",
        "Token": "session",
        "Expiration": "2099-01-01T00:00:00Z",
    }

    class Agent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("Authorization") == token
            self.send_response(200 if known else 403)
            self.end_headers()
            self.wfile.write(json.dumps(credentials).encode() if known else b"")

        def log_message(self, format: str, *args) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Agent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/credentials"
        server.shutdown()


def test_a_bucket_that_is_not_there_is_a_sentence(spark: SparkSession, endpoint: str) -> None:
    settings = Settings(lake="s3a://no-such-bucket/lake", s3_endpoint=endpoint)
    with pytest.raises(JobError, match="has no bucket no-such-bucket: create it") as raised:
        check_reachable(spark, settings)
    assert raised.value.exit_code == 2


def at(spark: SparkSession, bucket: str, endpoint: str) -> Settings:
    """Settings for a lake in a bucket, which the session finds at another address."""
    context: Any = spark.sparkContext
    context._jsc.hadoopConfiguration().set(f"fs.s3a.bucket.{bucket}.endpoint", endpoint)
    return Settings(lake=f"s3a://{bucket}/lake", s3_endpoint=endpoint)


def test_a_store_that_refuses_is_a_sentence(spark: SparkSession, proxy: Proxy) -> None:
    refusal = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    proxy.rules.append(lambda _: Answer(403, {"Content-Type": "application/xml"}, refusal))
    try:
        with pytest.raises(JobError, match="refuses access to s3a://secret/lake: check the keys"):
            check_reachable(spark, at(spark, "secret", proxy.url))
    finally:
        proxy.rules.clear()


def test_a_store_that_does_not_answer_is_a_sentence(spark: SparkSession) -> None:
    started = time.monotonic()
    with pytest.raises(JobError, match=r"does not answer for s3a://away/lake.*MLB_S3_ENDPOINT"):
        check_reachable(spark, at(spark, "away", "http://127.0.0.1:1"))
    assert time.monotonic() - started < 60


def test_a_store_that_keeps_silent_is_a_sentence(spark: SparkSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(JobError, match="does not answer for s3a://silent/lake"):
            check_reachable(spark, at(spark, "silent", url))
