"""What the exporter tells of a lake, of one that is not there, and of one that breaks."""

import datetime as dt
import os
import shutil
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from metrics_exporter import reading as reading_module
from metrics_exporter.__main__ import main
from metrics_exporter.apart import ReadingApart
from metrics_exporter.catalogue import DELIVERIES, METRICS
from metrics_exporter.lake import LakeReader, lake_root, storage_options
from metrics_exporter.reading import MOST_SECONDS, Reading
from metrics_exporter.samples import OTHER, sample, samples
from metrics_exporter.serve import LakeCollector, in_background, make_server
from metrics_exporter.table import with_table
from metrics_exporter.tables import small_files
from tests.unit.metrics_exporter.written import (
    OLD,
    START,
    add_load,
    add_refused,
    add_run,
    add_runs,
    run_row,
)

ROOT = Path(__file__).parents[3]
ETL = {"rows_in": 10, "staged": 6, "duplicate": 1, "superseded": 1, "quarantined": 2, "rejected": 0}
HOUR = dt.timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def read(lake: Path) -> Reading:
    reading = Reading(LakeReader(str(lake)), "employees")
    reading.refresh()
    return reading


def value(reading: Reading, name: str, *labels: str) -> float:
    found = [one.value for one in reading.samples if (one.name, one.labels) == (name, labels)]
    assert len(found) == 1, (name, labels, sorted({s.labels for s in reading.samples if s.name == name}))
    return found[0]


def names(reading: Reading) -> set[str]:
    return {one.name for one in reading.samples}


def scraped(reading: Reading) -> str:
    server = make_server(("127.0.0.1", 0), LakeCollector(lambda: reading.samples))
    in_background(server)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics") as answer:
            return answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two deliveries: the second is loaded and not published."""
    place = tmp_path_factory.mktemp("lake")
    published: dict[str, Any] = {"point": {"ops/loads": 0}, "versions_read": {"ops/loads": 0}}
    second: dict[str, Any] = {"day": dt.date(2023, 10, 2), "started_at": START + 24 * HOUR, "seconds": 40.0}
    add_runs(
        place,
        run_row("etl", rows=ETL, stages={"judge": 5}, measures={"read_bytes": 100, "executors": 0}),
        run_row(
            "load", started_at=START + HOUR, rows={"rows_in": 6, "current": 4, "late": 2, "unusual": 1}
        ),
        run_row("aggregate", started_at=START + 2 * HOUR, **published),
    )
    add_runs(
        place,
        run_row("etl", **second, rows={"rows_in": 3, "staged": 2}, measures={"read_bytes": 50}),
        run_row("load", **second, outcome="failed", exit_code=1),
    )
    add_load(place, "2023-10-01")
    add_load(place, "2023-10-02")
    add_refused(place, "a", "salary_unreadable", "salary_unreadable", "identity_conflict")
    add_refused(place, "b", "identity_conflict", state="replayed")
    add_refused(place, "c", "salary_unreadable", day="2023-10-02")
    return place


@pytest.fixture
def lake(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / "lake")


def test_the_ledger_says_what_every_run_did(lake: Path) -> None:
    found = read(lake)
    assert value(found, "mlb_runs_total", "etl", "succeeded") == 2
    assert value(found, "mlb_runs_total", "load", "failed") == 1
    assert value(found, "mlb_runs_total", "load", "stopped") == 0
    assert value(found, "mlb_last_run_outcome", "load", "failed") == 1
    assert value(found, "mlb_last_run_outcome", "load", "succeeded") == 0
    end = (START + HOUR).timestamp() + 20
    assert value(found, "mlb_last_success_timestamp_seconds", "load") == end
    assert (
        value(found, "mlb_last_run_end_timestamp_seconds", "load") == (START + 24 * HOUR).timestamp() + 40
    )
    assert value(found, "mlb_run_seconds_total", "etl") == 60
    assert value(found, "mlb_rows_total", "load", "late") == 2
    assert value(found, "mlb_delivery_rows", "etl", "2023-10-01", "duplicate") == 1
    assert value(found, "mlb_delivery_quarantine_ratio", "2023-10-01") == 0.2
    assert value(found, "mlb_delivery_unusual_figures", "2023-10-01") == 1


def test_a_measure_of_the_last_run_is_that_of_the_newest_run_that_has_it(lake: Path) -> None:
    found = read(lake)
    assert value(found, "mlb_last_run_read_bytes", "etl") == 50
    assert value(found, "mlb_read_bytes_total", "etl") == 150
    assert value(found, "mlb_last_run_executors", "etl") == 0
    assert value(found, "mlb_last_run_stage_seconds", "etl", "judge") == 5


def test_rows_that_get_lost_are_a_difference_and_a_failure(lake: Path) -> None:
    found = read(lake)
    assert value(found, "mlb_delivery_conservation_difference_rows", "etl", "2023-10-01") == 0
    assert value(found, "mlb_delivery_conservation_difference_rows", "etl", "2023-10-02") == 1
    assert value(found, "mlb_conservation_failures_total", "etl") == 1
    assert value(found, "mlb_conservation_failures_total", "load") == 0


def test_the_quarantine_counts_an_entry_once_for_each_reason(lake: Path) -> None:
    found = read(lake)
    assert value(found, "mlb_quarantine_rows", "open", "row") == 2
    assert value(found, "mlb_quarantine_rows", "replayed", "row") == 1
    assert value(found, "mlb_quarantine_open_rows", "salary_unreadable") == 2
    assert value(found, "mlb_quarantine_open_rows", "identity_conflict") == 1
    assert value(found, "mlb_collision_rows", "identity_conflict") == 2
    assert value(found, "mlb_collision_rows", "sequence_conflict") == 0
    assert value(found, "mlb_delivery_quarantine_open_rows", "2023-10-02", "salary_unreadable") == 1


def test_gold_is_as_fresh_as_what_has_been_published(lake: Path) -> None:
    newest = value(read(lake), "mlb_gold_newest_delivery_timestamp_seconds")
    assert newest == dt.datetime(2023, 10, 1, tzinfo=dt.UTC).timestamp()


def test_tables_tell_their_version_size_and_files(lake: Path) -> None:
    found = read(lake)
    assert value(found, "mlb_table_version", "ops/runs") == 1
    assert value(found, "mlb_table_files", "ops/runs") == 2
    assert value(found, "mlb_table_small_files", "ops/runs") == 2
    assert value(found, "mlb_table_rows", "ops/runs") == 5
    size = sum(file.stat().st_size for file in (lake / "ops" / "runs").glob("*.parquet"))
    assert value(found, "mlb_table_size_bytes", "ops/runs") == size


def test_a_small_file_alone_in_its_partition_is_none() -> None:
    assert small_files([1, 2, 3, 2**30], ["a", "a", "b", "b"]) == 2


def test_a_ledger_of_an_older_release_has_fewer_columns(tmp_path: Path) -> None:
    add_run(tmp_path, "etl", without=OLD, rows=ETL)
    found = read(tmp_path)
    assert value(found, "mlb_lake_up") == 1
    assert value(found, "mlb_delivery_rows", "etl", "2023-10-01", "staged") == 6
    assert "mlb_last_run_read_bytes" not in names(found)


def test_only_the_last_deliveries_have_series_of_their_own(tmp_path: Path) -> None:
    days = [dt.date(2023, 1, 1) + dt.timedelta(days=n) for n in range(DELIVERIES + 2)]
    runs = [run_row("etl", day=d, rows=ETL, started_at=START + n * HOUR) for n, d in enumerate(days)]
    add_runs(tmp_path, *runs)
    found = read(tmp_path)
    told = {s.labels[0] for s in found.samples if s.name == "mlb_delivery_quarantine_ratio"}
    assert told == {str(day) for day in days[2:]}
    assert value(found, "mlb_runs_total", "etl", "succeeded") == len(days)


def test_another_datasets_runs_are_not_counted(lake: Path) -> None:
    add_run(lake, "etl", dataset="visitors")
    assert value(read(lake), "mlb_runs_total", "etl", "succeeded") == 2


def test_no_text_of_the_lake_reaches_prometheus(lake: Path) -> None:
    marker = "jeterde01"
    add_run(lake, "ingest", note=f"{marker}: his file cannot be read", rows={"rows_in": 1})
    # As if a defect had let a value into a place for words.
    add_run(lake, "etl", rows={"Derek Jeter": 1, f"{marker}@example.org": 2}, outcome="900-12-3456 Jeter")
    add_refused(lake, "d", f"Code of {marker}")
    text = scraped(read(lake))
    assert 'reason="other"' in text
    for told in (marker, "Jeter", "900-12-3456", "example.org"):
        assert told not in text


def test_a_label_that_is_no_plain_word_is_told_as_other() -> None:
    assert [s.labels for s in samples("mlb_quarantine_open_rows", {("A",): 1, ("b c",): 2})] == [(OTHER,)]
    with pytest.raises(ValueError, match="has the labels"):
        sample("mlb_runs_total", 1, "etl")


def test_what_is_scraped_is_what_the_catalogue_says(lake: Path) -> None:
    families = {family.name: family for family in parsed(scraped(read(lake)))}
    by_name = {metric.name.removesuffix("_total"): metric for metric in METRICS}
    assert set(families) <= set(by_name)
    for name, family in families.items():
        assert family.type == by_name[name].kind
        labels = {frozenset(one.labels) for one in family.samples}
        assert labels == {frozenset(by_name[name].labels)}


def test_the_docs_have_the_catalogue() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert page == with_table(page), "run `make metrics-docs`"


def test_names_are_prometheus_way() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.name.startswith("mlb_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        if metric.unit in ("seconds", "bytes", "ratio"):
            assert metric.unit in metric.name.split("_"), metric
        assert not {"job", "instance"} & set(metric.labels)


def test_nothing_is_read_again_until_the_ledger_moves(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, reads = Clock(), []
    real = reading_module.read_runs
    monkeypatch.setattr(reading_module, "read_runs", lambda *args: reads.append(1) or real(*args))
    reading = Reading(LakeReader(str(lake)), "employees", clock)
    assert reading.refresh()
    assert not reading.refresh()
    scraped(reading)
    assert len(reads) == 1
    add_run(lake, "etl")
    assert reading.refresh()
    assert value(reading, "mlb_runs_total", "etl", "succeeded") == 3


def test_tables_of_a_job_that_was_killed_are_seen_after_a_quarter_of_an_hour(lake: Path) -> None:
    clock = Clock()
    reading = Reading(LakeReader(str(lake)), "employees", clock)
    reading.refresh()
    add_refused(lake, "e", "salary_negative")
    clock.now += MOST_SECONDS - 1
    assert not reading.refresh()
    clock.now += 1
    assert reading.refresh()
    assert value(reading, "mlb_quarantine_open_rows", "salary_negative") == 1


def test_a_lake_that_breaks_keeps_its_figures_and_tells_an_error(lake: Path) -> None:
    clock = Clock()
    reading = Reading(LakeReader(str(lake)), "employees", clock)
    reading.refresh()
    good = clock.now
    log = next((lake / "quarantine" / "employees" / "_delta_log").glob("*0.json"))
    kept = log.read_text()
    log.write_text("this is no JSON")
    (lake / "quarantine" / "employees" / "_delta_log" / f"{3:020}.json").write_text("nor this")
    clock.now += MOST_SECONDS
    reading.refresh()
    assert value(reading, "mlb_lake_up") == 0
    assert value(reading, "mlb_lake_read_errors_total", "quarantine") == 1
    assert value(reading, "mlb_lake_read_errors_total", "ledger") == 0
    assert value(reading, "mlb_lake_last_read_timestamp_seconds") == good
    assert value(reading, "mlb_quarantine_open_rows", "salary_unreadable") == 2
    log.write_text(kept)
    (lake / "quarantine" / "employees" / "_delta_log" / f"{3:020}.json").unlink()
    assert reading.refresh(), "what failed is tried again at the next look"
    assert value(reading, "mlb_lake_up") == 1


def test_a_lake_that_is_not_there_yet_is_no_error(tmp_path: Path) -> None:
    reading = read(tmp_path / "nothing")
    assert value(reading, "mlb_lake_up") == 1
    assert names(reading) == {
        "mlb_lake_up",
        "mlb_lake_last_read_timestamp_seconds",
        "mlb_lake_read_seconds",
        "mlb_lake_read_errors_total",
    }


def test_a_lake_made_anew_is_read_anew(lake: Path) -> None:
    clock = Clock()
    reading = Reading(LakeReader(str(lake)), "employees", clock)
    reading.refresh()
    shutil.rmtree(lake)
    add_run(lake, "etl")
    clock.now += MOST_SECONDS
    reading.refresh()
    assert value(reading, "mlb_runs_total", "etl", "succeeded") == 1


def test_a_reader_that_is_lost_or_stuck_is_begun_anew(lake: Path) -> None:
    reading = ReadingApart(str(lake), {}, "employees", 60)
    reading.refresh()
    assert {s.value for s in reading.samples if s.name == "mlb_lake_up"} == {1}
    lost = reading.pid
    assert lost
    os.kill(lost, signal.SIGSTOP)
    reading._most_seconds = 0.1
    reading.refresh()
    assert {s.value for s in reading.samples if s.name == "mlb_lake_up"} == {0}
    assert "mlb_runs_total" in {s.name for s in reading.samples}, "the last figures stay"
    assert reading.pid is None and not Path(f"/proc/{lost}").exists()
    reading._most_seconds = 60
    reading.refresh()
    assert {s.value for s in reading.samples if s.name == "mlb_lake_up"} == {1}
    reading.close()


@pytest.fixture
def address(lake: Path) -> Iterator[str]:
    reading = read(lake)
    server = make_server(("127.0.0.1", 0), LakeCollector(lambda: reading.samples))
    in_background(server)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_server_has_two_pages(address: str) -> None:
    with urllib.request.urlopen(f"{address}/healthz") as answer:
        assert answer.read() == b"ok\n"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{address}/etc/passwd")


def test_the_lakes_place_is_written_as_the_jobs_have_it() -> None:
    assert lake_root("s3a://mlb/lake/") == "s3://mlb/lake"
    assert storage_options({"MLB_S3_ENDPOINT": "http://s3:9000"}) == {
        "AWS_ENDPOINT_URL": "http://s3:9000",
        "AWS_ALLOW_HTTP": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
        "AWS_REGION": "us-east-1",
    }
    assert storage_options({"AWS_REGION": "eu-central-1"}) == {"AWS_REGION": "eu-central-1"}


@pytest.mark.parametrize(
    ("name", "text"),
    [("MLB_METRICS_ADDRESS", "9464"), ("MLB_METRICS_INTERVAL", "soon"), ("MLB_METRICS_INTERVAL", "0")],
)
def test_a_wrong_setting_is_a_sentence(name: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main({name: text}) == 2
    assert f"{name} is {text}" in capsys.readouterr().err
