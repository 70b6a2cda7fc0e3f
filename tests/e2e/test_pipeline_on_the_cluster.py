"""The real image on a real cluster, landing zone and lake on S3: the same tables as an embedded run.

The image (MLB_IMAGE, by default what `make images` builds) has to be in the cluster, and the jars for S3 on
this machine (`make setup-s3`).
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from spark_jobs.contracts.contract import Contract
from spark_jobs.jobs.runner import STAGES
from spark_jobs.lake.tables import LOADS, RUNS, Table
from spark_jobs.sample_feed import write_sample_feed
from spark_jobs.settings import Settings
from tests.conftest import KEY, make_lake
from tests.e2e.release import LONGEST, Platform, Pod, released
from tests.e2e.servers import session_on
from tests.lakes import DAY, TestLake
from tests.s3_server import client_of
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole real sample feed."""
    landing = tmp_path_factory.mktemp("feed")
    write_sample_feed(landing)
    return landing


@pytest.fixture(scope="module")
def spark(s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session on this machine that reads what the pods have written."""
    with session_on(s3, tmp_path_factory.mktemp("spark") / "spark.log") as session:
        yield session


@pytest.fixture(scope="module")
def embedded(
    spark: SparkSession, contract: Contract, feed: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What the tables hold after the first day's embedded run, on a local disk."""
    lake = make_lake(spark, contract, tmp_path_factory.mktemp("embedded"), landing=feed)
    lake.succeed()
    return lake.content()


@pytest.fixture(scope="module")
def platform(s3: str, feed: Path, options: list[str]) -> Iterator[Platform]:
    """A namespace of its own with the chart's secrets, and the first day's delivery in the landing zone."""
    client = client_of(s3)
    for file in filter(Path.is_file, (feed / "employees" / str(DAY)).rglob("*")):
        client.upload_file(str(file), "mlb", f"landing/{file.relative_to(feed)}")
    with released("mlb-e2e", s3, options, KEY) as platform:
        yield platform


@pytest.fixture(scope="module")
def on_s3(spark: SparkSession, contract: Contract) -> TestLake:
    """The lake that the pods write, for this machine to look at."""
    settings = Settings(landing="s3a://mlb/landing", lake="s3a://mlb/lake", pseudonym_key=SecretStr(KEY))
    return TestLake(spark, contract, settings)


def at(lake: TestLake, prefix: str) -> TestLake:
    """The lake at another prefix of the bucket."""
    return replace(lake, settings=lake.settings.model_copy(update={"lake": f"s3a://mlb/{prefix}"}))


@pytest.mark.long
def test_a_day_as_four_pods(platform: Platform, on_s3: TestLake, embedded: dict[str, str]) -> None:
    platform.deploy(lake="local", executors__enabled="false")
    told = platform.run(*STAGES)
    assert [message["outcome"] for message in told] == ["succeeded"] * 4
    assert told[0]["rows"]["rows_in"] == 38_083 and told[3]["versions_written"]
    assert at(on_s3, "local").content() == embedded


@pytest.mark.long
def test_a_day_on_executors_whose_drivers_are_killed(
    platform: Platform, on_s3: TestLake, embedded: dict[str, str]
) -> None:
    """etl is killed amid its commits; load is first told to stop, then killed; each is run again."""
    platform.deploy(lake="executors")
    lake = at(on_s3, "executors")
    platform.run("ingest")

    etl = platform.launch("etl")
    _wait_for_version(0, lake.tables.staging, etl, platform, "executors")
    assert etl.executors() == 2
    etl.delete("--grace-period=0", "--force")
    assert not lake.read(RUNS).where("job = 'etl'").count()
    platform.run("etl")

    stopped = platform.launch("load")
    _wait_for_version(1, LOADS, stopped, platform, "executors")
    stopped.delete()
    outcomes = [row["outcome"] for row in lake.read(RUNS).where("job = 'load'").collect()]
    assert outcomes == ["stopped"]
    killed = platform.launch("load")
    wait_until(lambda: killed.ended() or killed.executors() == 2, LONGEST)
    killed.delete("--grace-period=0", "--force")
    platform.run("load", "aggregate")
    assert lake.content() == embedded


def _wait_for_version(version: int, table: Table, pod: Pod, platform: Platform, prefix: str) -> None:
    """Wait until a table has a version, while the pod that writes it runs."""
    client, log = client_of(platform.s3), f"{prefix}/{table.name}/_delta_log/{version:020}.json"

    def committed() -> bool:
        assert not pod.ended()
        return bool(client.list_objects_v2(Bucket="mlb", Prefix=log)["KeyCount"])

    wait_until(committed, LONGEST)


def test_what_cannot_run_says_why_in_a_sentence(platform: Platform) -> None:
    """More than the quota, a bucket that is not there, a store that does not answer, no key."""
    platform.deploy(resourceQuota__hard__pods=1, executors__timeoutSeconds=10)
    assert "exceeded quota" in _error(platform, exit_code=1)
    platform.deploy(lake="lake", landing="s3a://not-there/landing", executors__enabled="false")
    assert "not-there" in _error(platform, exit_code=2)
    platform.deploy(executors__enabled="false", s3__endpoint=platform.s3.rpartition(":")[0] + ":1")
    assert "s3a://mlb" in _error(platform, exit_code=1)
    platform.namespace.kubectl("delete", "secret", "mlb-pseudonym-key")
    platform.deploy(executors__enabled="false")
    assert "pseudonym" in _error(platform, exit_code=2)


def _error(platform: Platform, exit_code: int) -> str:
    told = platform.launch("etl").told()
    assert told["exit_code"] == exit_code
    assert "\n" not in told["error"] and "Traceback" not in told["error"]
    return told["error"]
