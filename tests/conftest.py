"""What all tests share: one Spark session, a contract, and lakes in folders of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from spark_jobs.contracts.contract import Contract, read_contract
from spark_jobs.lake.session import start_session
from spark_jobs.settings import CONTRACT, Settings
from tests.lakes import TestLake

# Airflow's, in an environment of their own: `make dags`.
collect_ignore = ["dags"]
KEY = "a-key-for-tests-that-is-long-enough-0123456789"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    log = tmp_path_factory.mktemp("spark") / "spark.log"
    session = start_session(Settings(spark_log=log, driver_memory="3g"), "tests")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def contract() -> Contract:
    return read_contract(CONTRACT)


@pytest.fixture
def new_lake(spark: SparkSession, contract: Contract, tmp_path: Path) -> Callable[..., TestLake]:
    """Make a lake (and landing zone) in a folder of its own."""
    return lambda name="lake", **settings: make_lake(spark, contract, tmp_path / name, **settings)


@pytest.fixture(scope="module")
def module_lake(
    spark: SparkSession, contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., TestLake]:
    """Make a lake that the tests of a module share, or copy (`TestLake.copy_to`)."""
    return lambda **settings: make_lake(spark, contract, tmp_path_factory.mktemp("shared"), **settings)


def make_lake(
    spark: SparkSession, contract: Contract, folder: Path, landing: Path | None = None, **settings: Any
) -> TestLake:
    """A lake in a folder; its landing zone lies beside it unless another is given."""
    chosen = Settings(
        landing=str(landing or folder / "landing"),
        lake=str(folder / "lake"),
        pseudonym_key=SecretStr(KEY),
        spark_log=folder / "spark.log",
        **settings,
    )
    return TestLake(spark, contract, chosen)


@pytest.fixture
def lake(new_lake: Callable[..., TestLake]) -> TestLake:
    return new_lake()
