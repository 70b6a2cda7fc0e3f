"""Starts the driver's JVM: in a session of its own, its standard error where the log goes."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway

from spark_jobs.settings import ProcessSettings

_HERE = Path(__file__).parent


def logging_options(settings: ProcessSettings) -> str:
    """The JVM's options that send Spark's log to a file as text, or to standard error as JSON."""
    if settings.log_format == "json":
        options = {
            "log4j2.configurationFile": f"file:{_HERE / 'log4j2-json.properties'}",
            "mlb.log.template": f"file:{_HERE / 'log4j2-template.json'}",
            "mlb.run_id": settings.run_id,
        }
    else:
        options = {
            "log4j2.configurationFile": f"file:{_HERE / 'log4j2.properties'}",
            "mlb.spark.log": settings.spark_log.absolute(),
        }
    return " ".join(f"-D{name}={value}" for name, value in options.items() if value)


def launch_jvm(conf: SparkConf, settings: ProcessSettings) -> Any:
    """Launch the JVM and return py4j's gateway to it.

    A session of its own, because signals go to whole process groups (`tini -g`, a terminal): on
    SIGTERM the JVM would stop at once, before Python has cancelled the jobs and written the ledger.
    It ends with this process in any case, when its standard input does.
    """
    if settings.log_format == "json":
        read, write = os.pipe()
        lines = os.fdopen(read, encoding="utf-8", errors="replace")
        threading.Thread(target=_pass_on, args=(lines,), name="jvm-stderr", daemon=True).start()
        stderr = os.fdopen(write, "wb")
    else:
        settings.spark_log.absolute().parent.mkdir(parents=True, exist_ok=True)
        stderr = settings.spark_log.open("ab")
    # Interrupted, pyspark takes away the folder in which the JVM is to say its port: the JVM fails
    # there, and neither ends nor has anybody to end it.
    with stderr, _after(signal.SIGTERM), _after(signal.SIGINT):
        return launch_gateway(conf, {"start_new_session": True, "stderr": stderr})


@contextlib.contextmanager
def _after(number: signal.Signals) -> Iterator[None]:
    """A signal that comes in between is taken for one that comes afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    came: list[int] = []
    before = signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(number, before)
        if came:
            signal.raise_signal(number)


def death_of_jvm() -> str | None:
    """A sentence where the JVM has ended under a job; None while it runs, or where there is none."""
    process = getattr(SparkContext._gateway, "proc", None)
    try:
        # It may be some milliseconds from a broken connection to the end of the process.
        status = process.wait(timeout=1) if process else None
    except subprocess.TimeoutExpired:
        return None
    if status is None:
        return None
    if status == -signal.SIGKILL:
        return (
            "The kernel killed Spark's JVM, most likely because the container reached its memory limit: "
            "raise the limit, or lower the heap (MLB_DRIVER_MEMORY)."
        )
    return f"Spark's JVM ended under the job, with exit code {status}: its log says why."


def _pass_on(lines: IO[str]) -> None:
    """Pass the JVM's standard error on to this process's, which makes JSON of all that is not."""
    for line in lines:
        sys.stderr.write(line)
