"""The whole pipeline with its landing zone and its lake on S3: the same tables as on a local disk."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from spark_jobs.contracts.contract import Contract
from spark_jobs.jobs.runner import STAGES, run_days
from spark_jobs.sample_feed import write_sample_feed
from spark_jobs.settings import Settings
from tests.conftest import KEY
from tests.lakes import TestLake
from tests.s3_server import KEYS

#: Rows of every outcome, updates, deletes; each day more takes minutes, at a tenth of a second a request.
DAYS = [date(2023, 10, 2), date(2023, 10, 3)]


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    landing = tmp_path_factory.mktemp("feed")
    write_sample_feed(landing, teams=frozenset({"NYA", "BOS"}))
    return landing


@pytest.mark.long
def test_the_tables_on_s3_are_those_of_a_local_run(
    feed: Path, client: Any, spark: SparkSession, contract: Contract, endpoint: str, tmp_path: Path
) -> None:
    for file in filter(Path.is_file, feed.rglob("*")):
        client.upload_file(str(file), "lake", f"landing/{file.relative_to(feed)}")
    log = tmp_path / "spark.log"
    on_disk = run(spark, contract, landing=str(feed), lake=str(tmp_path / "lake"), spark_log=log)
    on_s3 = run(
        spark,
        contract,
        landing="s3a://lake/landing",
        lake="s3a://lake/tables",
        s3_endpoint=endpoint,
        spark_log=log,
    )
    assert on_s3.content() == on_disk.content()
    versions = on_s3.versions()
    for name in STAGES:
        on_s3.succeed(name, day=DAYS[-1])
    assert on_s3.versions() == versions


def run(spark: SparkSession, contract: Contract, **places: Any) -> TestLake:
    settings = Settings(pseudonym_key=SecretStr(KEY), **places)
    lake = TestLake(spark, contract, settings)
    seen = []
    run_days(spark, settings, contract, DAYS, seen.append)
    assert [(run.delivery_date, run.job, run.error) for run in seen if run.exit_code] == []
    assert len(seen) == len(DAYS) * len(STAGES)
    return lake


def test_no_key_is_in_the_configuration_or_the_log(spark: SparkSession, tmp_path: Path) -> None:
    options = spark.sparkContext.getConf().getAll()
    log = next(value for _, value in options if "mlb.spark.log" in value)
    path = Path(log.split("-Dmlb.spark.log=")[1].split(" ")[0])
    shown = "\n".join([path.read_text(), *(f"{name}={value}" for name, value in options)])
    assert "s3a" in shown and not [key for key in KEYS.values() if key in shown]
