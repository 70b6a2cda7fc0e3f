"""What all tests share: one Spark session, a contract, and lakes in folders of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from spark_jobs.contracts.contract import Contract, read_contract
from spark_jobs.lake.session import start_session
from spark_jobs.settings import CONTRACT, Settings
from tests.lakes import TestLake

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

    def make(name: str = "lake", landing: Path | None = None, **settings) -> TestLake:
        chosen = Settings(
            landing=str(landing or tmp_path / name / "landing"),
            lake=str(tmp_path / name / "lake"),
            pseudonym_key=SecretStr(KEY),
            spark_log=tmp_path / "spark.log",
            **settings,
        )
        return TestLake(spark, contract, chosen)

    return make


@pytest.fixture
def lake(new_lake: Callable[..., TestLake]) -> TestLake:
    return new_lake()
