"""A server of S3, SNS and SQS on this machine, its keys, and a client that is not Hadoop's."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3
from moto.server import ThreadedMotoServer

#: The keys of the server, which takes any.
KEYS = {"AWS_ACCESS_KEY_ID": "a-key-for-tests", "AWS_SECRET_ACCESS_KEY": "a-secret-for-tests"}
REGION = "us-east-1"


@contextmanager
def s3_server(*buckets: str, host: str = "127.0.0.1") -> Iterator[str]:
    """The URL of a server with some buckets; its keys are in the environment, which a JVM inherits."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would tell of every request
    server = ThreadedMotoServer(host, port=0)
    with mock.patch.dict(os.environ, KEYS):
        server.start()
        try:
            address, port = server.get_host_and_port()
            url = f"http://{address}:{port}"
            for bucket in buckets:
                client_of(url).create_bucket(Bucket=bucket)
            yield url
        finally:
            server.stop()


def client_of(url: str) -> Any:
    """A client of a server."""
    return boto3.client("s3", endpoint_url=url, region_name=REGION)
