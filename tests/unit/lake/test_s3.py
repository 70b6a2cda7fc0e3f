from typing import Any

import pytest

from spark_jobs.errors import UsageError
from spark_jobs.lake.s3 import configuration
from spark_jobs.settings import Settings

KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "hush"}
REGION = {"AWS_REGION": "eu-north-1"}


def options(environment: dict[str, str], **settings: Any) -> dict[str, str]:
    chosen = {"landing": "s3a://landing", "lake": "s3a://lake", **settings}
    found = configuration(Settings(**chosen), environment)
    return {name.removeprefix("spark.hadoop.fs.s3a."): value for name, value in found.items()}


def provider(environment: dict[str, str]) -> str:
    return options({**REGION, **environment})["aws.credentials.provider"].rsplit(".", 1)[1]


def test_local_places_need_nothing() -> None:
    assert configuration(Settings(), {}) == {}


@pytest.mark.parametrize("place", ["landing", "lake"])
def test_one_place_on_s3_is_enough(place: str) -> None:
    settings = Settings().model_copy(update={place: "s3a://bucket/there"})
    assert configuration(settings, {**REGION, **KEYS})


def test_amazons_own_store_is_addressed_by_host_names_in_its_region() -> None:
    found = options({**REGION, **KEYS})
    assert found["endpoint.region"] == "eu-north-1" and found["path.style.access"] == "false"
    assert "endpoint" not in found
    assert found["spark.delta.logStore.s3a.impl"] == "mlb.storage.S3ConditionalLogStore"


def test_another_store_is_addressed_by_paths() -> None:
    found = options(KEYS, s3_endpoint="https://s3.example.org")
    assert found["endpoint"] == "https://s3.example.org" and found["path.style.access"] == "true"
    assert found["endpoint.region"] == "us-east-1"
    assert (
        options(KEYS, s3_endpoint="https://s3.example.org", s3_path_style=False)["path.style.access"]
        == "false"
    )


def test_the_setting_comes_before_the_environments_region() -> None:
    assert options({**REGION, **KEYS}, s3_region="eu-west-1")["endpoint.region"] == "eu-west-1"


def test_credentials_are_those_that_are_there() -> None:
    irsa = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/jobs"}
    pod_identity = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials"}
    assert provider(KEYS) == "EnvironmentVariableCredentialsProvider"
    assert provider(irsa) == "WebIdentityTokenFileCredentialsProvider"
    assert provider(pod_identity) == "ContainerCredentialsProvider"
    assert provider({"AWS_SHARED_CREDENTIALS_FILE": "/keys"}) == "ProfileCredentialsProvider"
    assert provider({**irsa, **KEYS}) == "EnvironmentVariableCredentialsProvider"


def test_no_secret_is_among_the_options() -> None:
    assert "hush" not in str(options({**REGION, **KEYS}))


@pytest.mark.parametrize(
    ("environment", "settings", "said"),
    [
        (REGION, {}, "no credentials for S3"),
        ({**REGION, "AWS_ACCESS_KEY_ID": "id"}, {}, "AWS_SECRET_ACCESS_KEY is not"),
        ({**REGION, "AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}, {}, "AWS_ROLE_ARN is not"),
        (KEYS, {}, "set MLB_S3_REGION"),
        ({**REGION, **KEYS}, {"lake": "s3://lake/x"}, "write it as s3a://lake/x"),
    ],
)
def test_what_is_missing_is_a_sentence(
    environment: dict[str, str], settings: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        options(environment, **settings)
