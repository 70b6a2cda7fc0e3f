"""The exporter on S3, with no more in the store than its role may read (docs/metrics.md)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metrics_exporter.apart import ReadingApart
from metrics_exporter.lake import LakeReader, lake_root, storage_options
from metrics_exporter.reading import Reading
from tests.s3_server import KEYS, client_of, s3_server
from tests.unit.metrics_exporter.written import add_refused, add_run, write


@pytest.fixture
def endpoint() -> Iterator[str]:
    with s3_server("mlb") as url:
        yield url


def put(lake: Path, client: Any) -> None:
    """What the exporter may read of a lake: logs, the ledger, the quarantine."""
    for file in lake.rglob("*"):
        place = file.relative_to(lake)
        if file.is_file() and ("_delta_log" in place.parts or place.parts[0] in ("ops", "quarantine")):
            client.upload_file(str(file), "mlb", f"lake/{place}")


def test_nothing_but_logs_ledger_and_quarantine_is_read(tmp_path: Path, endpoint: str) -> None:
    write(tmp_path / "silver" / "employees", "SELECT 'jeterde01' AS employee_id")
    add_run(tmp_path, "load", versions_written={"silver/employees": 0})
    add_refused(tmp_path, "a", "salary_unreadable")
    client = client_of(endpoint)
    put(tmp_path, client)
    options = storage_options({"MLB_S3_ENDPOINT": endpoint})
    # Apart from the server, which is in this process: deltalake holds Python's lock while it waits.
    reading = ReadingApart(lake_root("s3a://mlb/lake/"), options, "employees", 60)
    reading.refresh()
    found = {(one.name, one.labels): one.value for one in reading.samples}
    assert found["mlb_lake_up", ()] == 1
    assert found["mlb_runs_total", ("load", "succeeded")] == 1
    assert found["mlb_quarantine_open_rows", ("salary_unreadable",)] == 1
    assert found["mlb_table_files", ("silver/employees",)] == 1
    assert found["mlb_table_rows", ("silver/employees",)] == 1
    add_run(tmp_path, "load")
    put(tmp_path, client)
    reading.refresh()
    moved = {(one.name, one.labels): one.value for one in reading.samples}
    assert moved["mlb_runs_total", ("load", "succeeded")] == 2
    reading.close()


def test_a_store_that_does_not_answer_is_a_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    options = {**storage_options({"MLB_S3_ENDPOINT": "http://127.0.0.1:9"}), "max_retries": "0"}
    reading = Reading(LakeReader("s3://mlb/lake", options), "employees")
    reading.refresh()
    found = {(one.name, one.labels): one.value for one in reading.samples}
    assert found["mlb_lake_up", ()] == 0
    assert found["mlb_lake_read_errors_total", ("ledger",)] == 1
