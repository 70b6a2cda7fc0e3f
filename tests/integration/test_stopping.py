"""A real process and a real SIGTERM, to the whole process group as `tini -g` sends it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spark_jobs.lake.tables import RUNS
from tests.conftest import KEY
from tests.lakes import DAY, TestLake, csv_of, employment
from tests.reliability.processes import children_of
from tests.waiting import wait_until


class Process:
    """`spark-jobs run` for the lake's one delivery, with its log as JSON."""

    def __init__(self, lake: TestLake, folder: Path) -> None:
        self.message = folder / "termination-log"
        self.log = folder / "stderr"
        environment = {
            **os.environ,
            "MLB_LAKE": lake.settings.lake,
            "MLB_LANDING": lake.settings.landing,
            "MLB_PSEUDONYM_KEY": KEY,
            "MLB_LOG_FORMAT": "json",
            "MLB_TERMINATION_LOG": str(self.message),
            "MLB_DRIVER_MEMORY": "1g",
        }
        command = [sys.executable, "-m", "spark_jobs", "run", "--date", str(DAY)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True
            )

    def wait_until(self, reached: Callable[[], bool]) -> None:
        """Wait for a condition while the process runs."""
        while not reached():
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)

    def terminate(self) -> int:
        """Send SIGTERM to the group; the exit code."""
        os.killpg(self.process.pid, signal.SIGTERM)
        return self.process.wait(timeout=60)

    def told(self) -> dict:
        """The termination message."""
        return json.loads(self.message.read_text())

    def lines(self) -> list[dict]:
        """Standard output and error: all of it is JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def process(lake: TestLake, tmp_path: Path) -> Iterator[Process]:
    lake.deliver(csv_of(employment()))
    started = Process(lake, tmp_path)
    yield started
    if started.process.poll() is None:
        started.process.kill()


def test_a_run_that_is_stopped_leaves_its_row_and_the_next_finishes_it(
    process: Process, lake: TestLake
) -> None:
    manifest = Path(lake.settings.lake) / "ops/manifest/_delta_log/00000000000000000001.json"
    process.wait_until(manifest.exists)
    assert process.terminate() == 143
    told = process.told()
    assert (told["outcome"], told["exit_code"]) == ("stopped", 143)
    assert {line["level"] for line in process.lines() if "message" in line} >= {"ERROR"}
    stopped = lake.read(RUNS).where("outcome = 'stopped'").collect()
    assert [(row["exit_code"], row["delivery_date"]) for row in stopped] == [(143, DAY)]
    assert "SIGTERM" in stopped[0]["error"]
    lake.succeed()
    assert len(lake.silver()) == 1


def test_while_spark_starts_there_is_nothing_to_finish(process: Process, lake: TestLake) -> None:
    process.wait_until(lambda: bool(children_of(process.process.pid)))
    started = children_of(process.process.pid)
    assert process.terminate() == 143
    there = [Path(f"/proc/{pid}/cmdline") for pid in started]
    wait_until(lambda: not any(file.exists() for file in there), what=f"{started} have ended")
    assert process.told() == {
        "job": "run",
        "delivery_date": str(DAY),
        "outcome": "stopped",
        "exit_code": 143,
        "error": process.told()["error"],
    }
    assert not lake.lake.exists(RUNS)


def test_a_jvm_that_the_kernel_kills_is_told_as_such(process: Process, lake: TestLake) -> None:
    manifest = Path(lake.settings.lake) / "ops/manifest/_delta_log/00000000000000000001.json"
    process.wait_until(manifest.exists)
    children = Path(f"/proc/{process.process.pid}/task/{process.process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    assert process.process.wait(timeout=60) == 1
    told = process.told()
    assert (told["outcome"], told["exit_code"]) == ("failed", 1)
    assert "The kernel killed Spark's JVM" in told["error"]
    assert process.lines()
