"""The readers of the fault matrix tell what they must never see, where there is such a thing."""

from pathlib import Path

import pytest

from tests.reliability.faults.judging import never_published
from tests.reliability.faults.poller import Readers, Seen, Watcher
from tests.reliability.faults.reading import State, content, opened, published_in, state_of
from tests.unit.metrics_exporter.written import write

GOLD = "gold/roster_movement"
TREE = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A lake of one Gold table, and a run that has published its only version."""
    (tmp_path / "landing").mkdir()
    add(tmp_path, 1)
    publish(tmp_path, 0)
    return tmp_path


def add(folder: Path, number: int) -> None:
    write(folder / "lake" / GOLD, f"SELECT {number} AS joined")


def publish(folder: Path, version: int) -> None:
    point = f"map(['{GOLD}'], [CAST({version} AS bigint)]) AS point"
    job = "'aggregate' AS job, CAST('2023-10-01' AS date) AS delivery_date, 'succeeded' AS outcome"
    finished = f"CAST('2023-10-02T0{version}:00:00Z' AS timestamp) AS finished_at"
    write(
        folder / "lake" / "ops" / "runs",
        f"SELECT {job}, {point}, {finished}, 0 AS exit_code, map(['rows_in'], [CAST(1 AS bigint)]) AS rows",
    )


def seen_by(watcher: Watcher, before: State, after: State, job: str = "aggregate") -> list[str]:
    watcher.look()
    return list(never_published(job, watcher.seen, before, after))


def test_before_and_after_are_all_that_is_published_in(folder: Path) -> None:
    before, watcher = state_of(folder), Watcher(folder / "lake")
    assert seen_by(watcher, before, before) == []
    add(folder, 2)
    watcher.look()
    publish(folder, 1)
    assert seen_by(watcher, before, state_of(folder)) == []
    assert watcher.seen.rounds == 3
    assert len(watcher.seen.points) == 2


def test_a_change_in_two_commits_is_seen_even_between_two_looks(folder: Path) -> None:
    before, watcher = state_of(folder), Watcher(folder / "lake")
    watcher.look()
    add(folder, 2)
    add(folder, 3)
    publish(folder, 2)
    (told,) = seen_by(watcher, before, state_of(folder))
    assert told.startswith("readers saw 2 rows ") and f"{GOLD}, version 1" in told


def test_a_point_before_its_last_commit_is_seen(folder: Path) -> None:
    before, watcher = state_of(folder), Watcher(folder / "lake")
    add(folder, 2)
    publish(folder, 1)
    watcher.look()
    add(folder, 3)
    publish(folder, 2)
    told = seen_by(watcher, before, state_of(folder))
    assert [line for line in told if line.startswith("readers saw at a point")]


def test_a_table_that_cannot_be_read_or_is_gone_is_told(folder: Path) -> None:
    before, watcher = state_of(folder), Watcher(folder / "lake")
    watcher.look()
    add(folder, 2)
    for file in (folder / "lake" / GOLD).glob("*.parquet"):
        file.unlink()
    told = seen_by(watcher, before, before)
    assert any("version 1 cannot be read" in line for line in told)
    assert any("the newest point" in line for line in told)
    # Only erase takes older versions away, and with them the point's.
    assert not any("the newest point" in line for line in seen_by(watcher, before, before, "erase"))


def test_contents_do_not_depend_on_the_order_of_rows_or_of_a_map(tmp_path: Path) -> None:
    entries = ("map(['a', 'b'], [1, 2]) AS m", "map(['b', 'a'], [2, 1]) AS m")
    for name, first, second in (("one", *entries), ("other", *reversed(entries))):
        write(tmp_path / name, f"SELECT 1 AS n, {first} UNION ALL SELECT 2 AS n, {second}")
    assert content(opened(tmp_path, "one")) == content(opened(tmp_path, "other"))


def test_the_readers_are_a_process_of_their_own(folder: Path) -> None:
    readers = Readers(TREE)
    readers.watch(folder / "lake")
    add(folder, 2)
    readers.look()
    seen = readers.report()
    readers.stop()
    assert isinstance(seen, Seen) and len(seen.alone[GOLD]) == 2
    assert seen.points and published_in(folder / "lake")[GOLD] in seen.alone[GOLD]
