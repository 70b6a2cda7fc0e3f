"""From a job that is gone to an answer of Prometheus: nothing of it has to be up at the same time."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from metrics_exporter.catalogue import MEASURES, last_run_of
from metrics_exporter.samples import timestamp
from spark_jobs.lake.tables import RUNS
from spark_jobs.ledger import Run
from tests.conftest import KEY
from tests.lakes import DAY, TestLake, csv_of, employment
from tests.prometheus import exporter, prometheus, scraped

pytestmark = pytest.mark.long

NEXT_DAY = DAY + dt.timedelta(days=1)
#: In the files that are delivered: in nothing that is told of them.
PERSON = ("jeterde01", "Jeter", "900-12-3456", "jeterde01@example.org", "212-555-0123", "Pequannock")
#: Only of runs whose process they are, with executors, or of ingest.
NOT_HERE = {"start_up_seconds", "executor_peak_memory_bytes", "delivered_files", "delivered_bytes"}


@pytest.fixture
def lake(new_lake: Callable[..., TestLake]) -> TestLake:
    # Of the three rows that are delivered one is refused.
    return new_lake(quarantine_limit=0.5)


def run_in_a_process(lake: TestLake, *arguments: str) -> list[dict[str, Any]]:
    """A job as a pod runs it; the lines of its standard output."""
    environment = {
        **os.environ,
        "MLB_LAKE": lake.settings.lake,
        "MLB_LANDING": lake.settings.landing,
        "MLB_SPARK_LOG": str(lake.settings.spark_log),
        "MLB_DRIVER_MEMORY": "1g",
        "MLB_PSEUDONYM_KEY": KEY,
        "MLB_METRICS": "emf",
    }
    command = [sys.executable, "-m", "spark_jobs", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not told_of(done.stdout)
    return [json.loads(line) for line in done.stdout.splitlines()]


def told_of(text: str) -> list[str]:
    return [word for word in PERSON if word in text]


def delivered(lake: TestLake) -> None:
    good = employment()
    lake.deliver(csv_of(good, good, employment(employee_id="mariama01", salary="a lot")))
    newer = employment(updated_at="2014-05-01T09:00:00Z", salary="13000000")
    lake.deliver(csv_of(newer), day=NEXT_DAY)


def test_a_short_jobs_figures_arrive_although_it_is_gone(lake: TestLake, tmp_path: Path) -> None:
    delivered(lake)
    metrics, row = run_in_a_process(lake, "ingest", "--date", str(DAY))
    runs = lake.succeed("etl", "load", "aggregate")
    with exporter(lake.settings.lake, tmp_path) as address, prometheus(tmp_path, address) as server:
        server.wait_for('mlb_runs_total{mlb_job="ingest",outcome="succeeded"}', 1)
        assert server.value('mlb_last_run_seconds{mlb_job="ingest"}') == row["seconds"]
        assert (
            server.value('mlb_last_run_start_up_seconds{mlb_job="ingest"}')
            == (row["measures"]["start_up_seconds"])
        )
        assert metrics["mlb_run_start_up_seconds"] == row["measures"]["start_up_seconds"] > 0
        assert metrics["mlb_rows_rows_in"] == 3
        assert_measured(server.value, runs["etl"])
        assert server.value('mlb_delivery_rows{mlb_job="etl",outcome="duplicate"}') == 1
        assert server.value('mlb_quarantine_open_rows{reason="salary_unreadable"}') == 1
        assert server.value("sum(mlb_delivery_conservation_difference_rows)") == 0
        assert server.value("mlb_delivery_quarantine_ratio") == 1 / 3
        newest = server.value("mlb_gold_newest_delivery_timestamp_seconds")
        assert newest == timestamp(DAY)
        silver = 'mlb_table_version{table="silver/employees"}'
        assert server.value(silver) == lake.lake.version(lake.tables.current)
        # One that runs between two scrapes, and one that fails.
        lake.succeed(day=NEXT_DAY)
        lake.run("ingest", day=NEXT_DAY + dt.timedelta(days=1))
        server.wait_for('mlb_runs_total{mlb_job="ingest",outcome="failed"}', 1)
        assert server.value('mlb_runs_total{mlb_job="etl",outcome="succeeded"}') == 2
        assert server.value("mlb_gold_newest_delivery_timestamp_seconds") == timestamp(NEXT_DAY)
        assert server.value("mlb_lake_up") == 1
        assert not told_of(scraped(address))


def assert_measured(value: Callable[[str], float | None], run: Run) -> None:
    """Every measure and stage of a run is there, as the run has it, and plausible."""
    assert set(run.measures) == set(MEASURES) - NOT_HERE
    for name, figure in run.measures.items():
        assert value(f'{last_run_of(name)}{{mlb_job="{run.job}"}}') == figure
    for stage, seconds in run.stages.items():
        assert value(f'mlb_last_run_stage_seconds{{mlb_job="{run.job}",stage="{stage}"}}') == seconds
    assert 0 < sum(run.stages.values()) <= run.seconds


def test_a_run_tells_what_it_read_and_rewrote(lake: TestLake) -> None:
    delivered(lake)
    first = lake.succeed()
    second = lake.succeed(day=NEXT_DAY)
    again = lake.succeed("load", day=NEXT_DAY)["load"]
    # Bronze has one file for each delivery.
    (bronze,) = lake.lake.files(lake.tables.bronze).where(f"path LIKE '%{DAY}%'").collect()
    assert first["etl"].measures["read_files"] >= 1
    assert first["etl"].measures["read_bytes"] >= bronze["size"] * 0.97
    assert first["ingest"].measures["written_bytes"] >= bronze["size"]
    (file,) = Path(lake.settings.landing_root).glob(f"*/{DAY}/*.csv")
    assert first["ingest"].measures["delivered_bytes"] == file.stat().st_size
    assert first["load"].measures["rewritten_files"] == 0
    # Gold's rows of the season are others: either their files are written again, or they are marked.
    assert second["aggregate"].measures["written_files"] >= 1
    assert again.measures["written_files"] == again.measures["rewritten_files"] == 0
    assert again.measures["driver_peak_memory_bytes"] > 100 * 1024**2
    assert again.measures["executors"] == 0


def test_a_ledger_of_an_older_release_is_read_and_gets_the_new_columns(
    lake: TestLake, spark: SparkSession
) -> None:
    delivered(lake)
    lake.succeed("ingest")
    ledger = lake.lake
    old = ledger.read(RUNS).drop("stages", "measures")
    old.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(ledger.path(RUNS))
    assert ledger.read(RUNS).where("measures IS NULL").count() == 1
    lake.succeed("etl")
    assert ledger.read(RUNS).where("measures IS NOT NULL").count() == 1
    assert ledger.read(RUNS).where("job = 'ingest' AND stages IS NULL").count() == 1


def test_what_cannot_be_measured_fails_no_run(lake: TestLake, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> None:
        raise RuntimeError("no such counter")

    monkeypatch.setattr("spark_jobs.process.measures.read_by", broken)
    delivered(lake)
    run = lake.succeed("ingest")["ingest"]
    assert "read_bytes" not in run.measures
    assert run.measures["driver_peak_memory_bytes"] > 0


def test_the_ledgers_row_of_a_run_that_lost_rows_says_which(
    lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(lake)
    lake.succeed("ingest")
    # As if a defect let a row vanish between Bronze and its outcome.
    monkeypatch.setattr("spark_jobs.jobs.etl.OUTCOMES", ("staged", "superseded", "quarantined"))
    run = lake.run("etl")["etl"]
    assert run.exit_code == 1
    (row,) = lake.read(RUNS).where("job = 'etl'").collect()
    assert (row["rows"]["rows_in"], row["rows"]["staged"], row["rows"]["quarantined"]) == (3, 1, 1)
    assert not lake.lake.exists(lake.tables.staging)
