"""S3, SNS and SQS in one process (moto), with the buckets, topics and queues that the settings name.

Settings, as environment variables: `AWS_LOCAL_BUCKETS` and `AWS_LOCAL_TOPICS` (names, separated by commas),
`AWS_LOCAL_PORT` (default 5000), `AWS_LOCAL_READY_FILE` (default /tmp/ready, written once everything is
there). Each topic gets a queue of its name that is subscribed to it, so that what was published can be
read.
Everything is kept in memory: an ended process has lost it.
"""

import os
import signal
import threading
from pathlib import Path
from typing import Any

# A host name with dots, such as a service's in a cluster, is no bucket. Read when moto is imported.
os.environ["S3_IGNORE_SUBDOMAIN_BUCKETNAME"] = "true"

import boto3
from moto.server import ThreadedMotoServer

REGION = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")


def names(variable: str) -> list[str]:
    """The names that an environment variable lists."""
    return [name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()]


def client(service: str, port: int) -> Any:
    """A client of this process's own server, which takes any key."""
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 (any key will do)
    )


def make_resources(port: int) -> None:
    """Make what the settings name, and print where topics and queues are."""
    s3, sns, sqs = (client(service, port) for service in ("s3", "sns", "sqs"))
    for bucket in names("AWS_LOCAL_BUCKETS"):
        s3.create_bucket(Bucket=bucket)
        print(f"bucket s3://{bucket}")
    for topic in names("AWS_LOCAL_TOPICS"):
        topic_arn = sns.create_topic(Name=topic)["TopicArn"]
        queue_url = sqs.create_queue(QueueName=topic)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])
        print(f"topic {topic_arn}, read by queue {queue_url}")


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    port = int(os.environ.get("AWS_LOCAL_PORT", "5000"))
    server = ThreadedMotoServer("0.0.0.0", port=port)
    server.start()
    make_resources(port)
    Path(os.environ.get("AWS_LOCAL_READY_FILE", "/tmp/ready")).touch()
    print(f"ready on port {port}")
    stopped.wait()
    server.stop()


if __name__ == "__main__":
    main()
