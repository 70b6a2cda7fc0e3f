"""Large tables and batches are computed in another way, to the same end."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from spark_jobs.lake import lake as lake_module
from spark_jobs.sample_feed import write_sample_feed
from tests.lakes import TestLake

STAGES = ("ingest", "etl", "load")
DAYS = [dt.date(2023, 10, day) for day in (1, 2)]


@pytest.mark.parametrize("most_rows", [0, pytest.param(10**9, marks=pytest.mark.long)])
def test_silver_is_the_same_where_all_tables_count_as_large(
    new_lake: Callable[..., TestLake], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, most_rows: int
) -> None:
    """With batches that count as large and, by hand, with small ones."""
    write_sample_feed(tmp_path / "small" / "landing", teams=frozenset({"NYA"}))
    small = new_lake("small")
    small.succeed(*STAGES, day=DAYS[0])
    large = small.copy_to(tmp_path / "large")
    small.succeed(*STAGES, day=DAYS[1])
    monkeypatch.setattr(lake_module, "_SMALL_BYTES", 0)
    monkeypatch.setattr(lake_module, "_MANY_ROWS", most_rows)
    large.succeed(*STAGES, day=DAYS[1])
    assert large.content() == small.content()
