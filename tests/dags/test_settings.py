"""Settings from the environment."""

from datetime import timedelta

import pytest

from mlb_airflow.settings import VARIABLES, Settings, SettingsError


def test_each_variable_is_read() -> None:
    values = {name: "77" for name in VARIABLES}
    default, given = Settings(), Settings.from_environment(values)
    unread = [name for name, value in vars(given).items() if value == vars(default)[name]]
    assert unread == [] and len(VARIABLES) == len(vars(given))
    assert given.sla == timedelta(seconds=77) and given.spark_namespace == "77"


@pytest.mark.parametrize("text", ["0", "-1", "two hours"])
def test_a_time_is_a_positive_number_of_seconds(text: str) -> None:
    with pytest.raises(SettingsError, match=r"MLB_SLA_SECONDS is .* number of seconds"):
        Settings.from_environment({"MLB_SLA_SECONDS": text})


@pytest.mark.parametrize("landing", ["", "/landing", "s3a://", "gs://bucket"])
def test_a_landing_zone_is_on_s3(landing: str) -> None:
    with pytest.raises(SettingsError, match="MLB_LANDING"):
        _ = Settings(landing=landing).landing_url
    assert Settings(landing="s3a://bucket/landing/").landing_url == "s3://bucket/landing"
