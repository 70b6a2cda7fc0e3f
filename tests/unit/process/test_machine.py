"""Memory and start, as Linux tells them."""

import subprocess
import sys
import time

import pytest

from spark_jobs.process import machine
from spark_jobs.process.machine import StartUp, peak_memory_bytes, seconds_since_start


def test_memory_that_was_given_back_still_counts() -> None:
    before = peak_memory_bytes()
    assert before
    held = bytearray(200 * 1024**2)
    del held
    after = peak_memory_bytes()
    assert after and after >= 190 * 1024**2


def test_the_memory_of_children_counts() -> None:
    alone = peak_memory_bytes()
    hold = "held = bytearray(150 * 1024**2); print(flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout and child.stdout.readline()
    together = peak_memory_bytes()
    child.communicate(b"\n")
    assert alone and together and together - alone > 140 * 1024**2


def test_the_start_is_before_everything_else() -> None:
    first = seconds_since_start()
    time.sleep(0.05)
    later = seconds_since_start()
    assert first and later and first < later


def test_a_start_is_told_once() -> None:
    start = StartUp()
    assert start.take() is None
    start.is_over()
    assert start.take() and start.take() is None


def test_where_there_is_no_proc_nothing_is_told(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_PROC", tmp_path)
    assert peak_memory_bytes() is None
    assert seconds_since_start() is None
