"""Two drivers that commit to one table at the same time, each a process of its own.

The proxy makes "at the same time" sure: it holds the first commit of a round until the other driver's
has come too, so that both drivers have seen the same version and write the same next one.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

from tests.s3.proxy import Answer, Proxy, Request

ROUNDS = 20
#: Longer than any commit takes; reached only where the other driver has died.
PATIENCE = 120


class Meeting:
    """A rule: of each round, lets the first two commits go on together, and others at once."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)
        self._lock = threading.Lock()
        self._awaited = 0
        self.versions: list[set[str]] = []

    def next_round(self) -> None:
        self._awaited = 2
        self.versions.append(set())

    def __call__(self, request: Request) -> Answer | None:
        name = request.path.split("?")[0].rsplit("/", 1)[-1]
        if request.method != "PUT" or "/_delta_log/" not in request.path or not name.endswith(".json"):
            return None
        with self._lock:
            awaited, self._awaited = self._awaited, max(0, self._awaited - 1)
        if awaited:
            self.versions[-1].add(name)
            self._barrier.wait(PATIENCE)
        return None


@contextmanager
def driver(name: str, table: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.s3.driver", name, table],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.communicate()


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin
    process.stdin.write(line + "\n")
    process.stdin.flush()


@contextmanager
def two_drivers(
    proxy: Proxy, table: str, tmp_path: Path, **environment: str
) -> Iterator[list[subprocess.Popen[str]]]:
    """Two drivers that are ready, and a table with one row."""
    settings = {"MLB_LAKE": "s3a://lake", "MLB_S3_ENDPOINT": proxy.url, "MLB_DRIVER_MEMORY": "1g"}
    # Two more JVMs for a minute: code that is compiled quickly is worth more than code that is fast.
    quick = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}
    shared = {**os.environ, **settings, **quick, "MLB_MASTER": "local[1]", **environment}
    with ExitStack() as stack:
        drivers = [
            stack.enter_context(driver(name, table, {**shared, "MLB_SPARK_LOG": str(tmp_path / name)}))
            for name in ("one", "two")
        ]
        assert [answer(process) for process in drivers] == ["ready", "ready"]
        tell(drivers[0], "the first")
        assert answer(drivers[0]) == "done"
        yield drivers


@contextmanager
def meeting_at(proxy: Proxy) -> Iterator[Meeting]:
    meeting = Meeting()
    proxy.rules.append(meeting)
    yield meeting
    proxy.rules.clear()


def race(drivers: list[subprocess.Popen[str]], meeting: Meeting, line: str) -> list[str]:
    """Let both drivers do the same at the same time, and return what they answer."""
    meeting.next_round()
    for process in drivers:
        tell(process, line)
    answers = [answer(process) for process in drivers]
    # It really was a race for one version.
    assert len(meeting.versions[-1]) == 1
    return answers


def rows(spark: SparkSession, table: str) -> list[tuple[str, str]]:
    found = spark.read.format("delta").load(table).collect()
    return sorted((row["driver"], row["text"]) for row in found if row["text"] != "the first")


def test_no_commit_is_lost(spark: SparkSession, proxy: Proxy, tmp_path: Path) -> None:
    table = "s3a://lake/raced"
    with two_drivers(proxy, table, tmp_path) as drivers, meeting_at(proxy) as meeting:
        for number in range(20):
            assert race(drivers, meeting, str(number)) == ["done", "done"]
        expected = sorted((name, str(number)) for name in ("one", "two") for number in range(20))
        assert rows(spark, table) == expected
        # Appends go together; of two that change the same rows one must be told, and can run again.
        answers = race(drivers, meeting, "change")
    assert "done" in answers and any("DELTA_CONCURRENT" in said for said in answers)
    assert len(set(rows(spark, table))) == 1


def test_deltas_own_log_store_loses_a_commit_a_round(
    spark: SparkSession, proxy: Proxy, tmp_path: Path
) -> None:
    """What the log store is for: the same race with the one that Delta's release has for S3."""
    table, own = "s3a://lake/raced-unsafely", "io.delta.storage.S3SingleDriverLogStore"
    with (
        two_drivers(proxy, table, tmp_path, SPARK_LOG_STORE=own) as drivers,
        meeting_at(proxy) as meeting,
    ):
        for number in range(5):
            assert race(drivers, meeting, str(number)) == ["done", "done"]
    assert len(rows(spark, table)) == 5
