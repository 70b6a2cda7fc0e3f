"""The ways back on S3: restore, reprocess, recover, and an erasure proved by every byte of the bucket."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from spark_jobs.contracts.contract import Contract
from spark_jobs.jobs.context import Job
from spark_jobs.jobs.erase import Request, erase
from spark_jobs.jobs.maintain import maintain
from spark_jobs.jobs.points import read_points
from spark_jobs.jobs.recover import recover
from spark_jobs.jobs.reprocess import reprocess
from spark_jobs.jobs.restore import restore
from spark_jobs.jobs.runner import run_job
from spark_jobs.ledger import Run
from spark_jobs.privacy.scan import scan
from spark_jobs.quarantine.corrections import Correction
from spark_jobs.settings import Settings
from tests.conftest import KEY
from tests.lakes import DAY, TestLake, csv_of, employment

NEXT_DAY = DAY + dt.timedelta(days=1)
PREFIX = "back"
GONE = {
    "employee_id": "erased01",
    "ssn": "900-99-1234",
    "email": "gone@example.org",
    "phone": "212-555-0199",
}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, client: Any, contract: Contract, endpoint: str) -> TestLake:
    """Two days on S3: people who stay, one who is to be erased, one refused for its salary."""
    settings = Settings(
        landing=f"s3a://lake/{PREFIX}/landing",
        lake=f"s3a://lake/{PREFIX}/tables",
        s3_endpoint=endpoint,
        pseudonym_key=SecretStr(KEY),
        erasure_key=SecretStr(KEY[::-1]),
        quarantine_limit=1,
    )
    lake = TestLake(spark, contract, settings)
    people = [employment(employee_id=f"person{n:02}") for n in range(3)]
    first = csv_of(*people, employment(**GONE), employment(employee_id="badsal01", salary="lots"))
    second = csv_of(employment(employee_id="person01", salary="9", updated_at="2014-06-01T00:00:00Z"))
    for day, content in ((DAY, first), (NEXT_DAY, second)):
        key = f"{PREFIX}/landing/employees/{day}/a.csv"
        client.put_object(Bucket="lake", Key=key, Body=content.encode())
        lake.succeed(day=day)
    return lake


def run(lake: TestLake, name: str, job: Job) -> Run:
    done = run_job(lake.spark, lake.settings, lake.contract, name, None, job)
    assert done.error is None
    return done


def salaries(lake: TestLake) -> dict[str, Any]:
    return {row["employee_id"]: row["salary"] for row in lake.silver()}


@pytest.mark.long
def test_back_to_a_point_and_forward_again_from_bronze(lake: TestLake) -> None:
    before = lake.content()
    first = read_points(lake.lake, lake.contract)[0]
    run(lake, "restore", lambda job: restore(job, as_of=first.at))
    assert salaries(lake)["person01"] == 12_000_000
    lake.succeed("etl", "load", "aggregate", day=NEXT_DAY)
    assert lake.content() == before
    assert not [told for told in _reprocessed(lake) if told.differences.changed]


def _reprocessed(lake: TestLake) -> list:
    told: list = []
    run(lake, "reprocess", lambda job: told.extend(reprocess(job)))
    return told


def test_a_refused_row_is_mended(lake: TestLake) -> None:
    row = next(row for row in lake.quarantine() if row["state"] == "open")
    mended = Correction(2, row["_row_id"], "mend", employment(employee_id="badsal01", salary="700"))

    def run_stage(name: str, day: dt.date) -> Run:
        return run_job(lake.spark, lake.settings, lake.contract, name, day)

    run(lake, "recover", lambda job: recover(job, [mended], "tests", run_stage))
    assert salaries(lake)["badsal01"] == 700


def test_maintain_leaves_the_tables_as_they_are(lake: TestLake) -> None:
    before = lake.content()
    run(lake, "maintain", maintain)
    assert lake.content() == before


def test_an_erased_person_is_in_no_byte_of_the_bucket(lake: TestLake, client: Any, tmp_path: Path) -> None:
    marks = [*GONE.values(), "900991234", "2125550199"]
    assert set(GONE.values()) <= _found(lake, client, tmp_path / "before", marks)
    before = salaries(lake)
    run(lake, "erase", lambda job: erase(job, Request((GONE["employee_id"],), "Asked by letter", "tests")))
    assert _found(lake, client, tmp_path / "after", marks) == set()
    assert salaries(lake) == {name: salary for name, salary in before.items() if name != "erased01"}
    lake.succeed("ingest", "etl", "load", "aggregate")
    assert "erased01" not in salaries(lake)


def _found(lake: TestLake, client: Any, folder: Path, marks: list[str]) -> set[str]:
    """Which of the marks are in any object under the lake and the landing zone."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="lake", Prefix=f"{PREFIX}/"):
        for entry in page.get("Contents", []):
            if not entry["Key"].endswith("/"):
                file = folder / entry["Key"]
                file.parent.mkdir(parents=True, exist_ok=True)
                client.download_file("lake", entry["Key"], str(file))
    result = scan(lake.spark, [folder], marks)
    assert result.unreadable == () and result.files > 50
    return set(result.identifiers)
