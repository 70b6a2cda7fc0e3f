"""Tables and deliveries on S3: what a session is told about the store, and whether it answers.

No secret passes through here: Spark's configuration stands on the JVM's command line and in the UI, so
that it only ever names the class that finds the credentials, in the environment or in a file.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from spark_jobs.errors import JobError, UsageError
from spark_jobs.settings import Settings

#: Where `make setup-s3` puts hadoop-aws, the AWS SDK and the log store.
JARS = Path(sys.prefix) / "jars-s3"

_AWS = "software.amazon.awssdk.auth.credentials"
#: Which variable tells of which credentials; the first that is there counts, as in AWS's own tools. What
#: S3A would fall back to, the node's own role, is not among them: a pod has no business with it.
PROVIDERS = {
    "AWS_ACCESS_KEY_ID": f"{_AWS}.EnvironmentVariableCredentialsProvider",
    "AWS_WEB_IDENTITY_TOKEN_FILE": f"{_AWS}.WebIdentityTokenFileCredentialsProvider",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{_AWS}.ContainerCredentialsProvider",
    "AWS_SHARED_CREDENTIALS_FILE": f"{_AWS}.ProfileCredentialsProvider",
}
#: What goes with a variable, without which its provider fails in a way that is hard to read.
_ALSO = {"AWS_ACCESS_KEY_ID": "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE": "AWS_ROLE_ARN"}

LOG_STORE = {"spark.delta.logStore.s3a.impl": "mlb.storage.S3ConditionalLogStore"}
#: For the first question to the store: jobs try for minutes, but a wrong address is told at once.
_IMPATIENT = {
    "fs.s3a.attempts.maximum": "1",
    "fs.s3a.retry.limit": "1",
    "fs.s3a.retry.throttle.limit": "2",
    "fs.s3a.connection.establish.timeout": "15s",
    "fs.s3a.connection.request.timeout": "15s",
}


def places(settings: Settings) -> list[str]:
    """Landing zone and lake, as far as they are on S3. Raises UsageError for another kind of URL."""
    found = []
    for name, place in (("landing", settings.landing_root), ("lake", settings.lake_root)):
        if place.startswith("s3a://"):
            found.append(place)
        elif place.startswith(("s3://", "s3n://")):
            raise UsageError(f"MLB_{name.upper()} is {place}: write it as s3a://{place.split('://')[1]}.")
    return found


def configuration(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Spark's settings for the places that are on S3; none where there are none.

    Raises UsageError where the region or credentials are missing.
    """
    if not places(settings):
        return {}
    endpoint = settings.s3_endpoint
    path_style = bool(endpoint) if settings.s3_path_style is None else settings.s3_path_style
    options = {
        "endpoint.region": _region(settings, environment),
        "path.style.access": str(path_style).lower(),
        "aws.credentials.provider": _provider(environment),
    }
    if endpoint:
        options["endpoint"] = endpoint
    return {**LOG_STORE, **{f"spark.hadoop.fs.s3a.{name}": value for name, value in options.items()}}


def _region(settings: Settings, environment: Mapping[str, str]) -> str:
    regions = (settings.s3_region, environment.get("AWS_REGION"), environment.get("AWS_DEFAULT_REGION"))
    # Stores other than Amazon's take any region, but the signature needs one.
    found = next(filter(None, regions), "us-east-1" if settings.s3_endpoint else None)
    if not found:
        raise UsageError("The region of the buckets is not known: set MLB_S3_REGION, or AWS_REGION.")
    return found


def _provider(environment: Mapping[str, str]) -> str:
    for variable, provider in PROVIDERS.items():
        if environment.get(variable):
            also = _ALSO.get(variable)
            if also and not environment.get(also):
                raise UsageError(f"{variable} is set and {also} is not: set both, or neither.")
            return provider
    raise UsageError(
        "There are no credentials for S3: run in a pod whose service account has an IAM role (IRSA or EKS "
        "Pod Identity), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file in "
        "AWS_SHARED_CREDENTIALS_FILE."
    )


def check_reachable(spark: SparkSession, settings: Settings) -> None:
    """Ask each place on S3 whether it answers; raises JobError or UsageError with a sentence if not."""
    context: Any = spark.sparkContext
    for place in places(settings):
        options = context._jvm.org.apache.hadoop.conf.Configuration(context._jsc.hadoopConfiguration())
        for name, value in _IMPATIENT.items():
            options.set(name, value)
        # Not the place itself: a bucket's root is there by definition, and nothing would be asked.
        path = context._jvm.org.apache.hadoop.fs.Path(f"{place}/any")
        try:
            system = context._jvm.org.apache.hadoop.fs.FileSystem.newInstance(path.toUri(), options)
            try:
                system.exists(path)
            finally:
                system.close()
        except Py4JJavaError as error:
            raise _explained(place, settings, error) from error


def _explained(place: str, settings: Settings, error: Py4JJavaError) -> JobError:
    cause: Any = error.java_exception
    name = str(cause.getClass().getSimpleName())
    bucket = place.removeprefix("s3a://").split("/")[0]
    store = settings.s3_endpoint or "Amazon S3"
    if name == "UnknownStoreException":
        return UsageError(f"{store} has no bucket {bucket}: create it, or check MLB_LANDING and MLB_LAKE.")
    if name == "AccessDeniedException":
        return JobError(f"{store} refuses access to {place}: check the keys, or the role and its policy.")
    said = str(cause.getMessage()).splitlines()[0].rstrip(".")
    return JobError(f"{store} does not answer for {place}: check MLB_S3_ENDPOINT and the network ({said}).")
