"""Starts the driver's JVM: in a session of its own, its standard error where the log goes."""

import datetime as dt
import json
import os
import sys
import threading
from pathlib import Path
from typing import IO, Any

from pyspark import SparkConf
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
        threading.Thread(target=_as_json, args=(lines,), name="jvm-stderr", daemon=True).start()
        stderr = os.fdopen(write, "wb")
    else:
        settings.spark_log.absolute().parent.mkdir(parents=True, exist_ok=True)
        stderr = settings.spark_log.open("ab")
    with stderr:
        return launch_gateway(conf, {"start_new_session": True, "stderr": stderr})


def _as_json(lines: IO[str]) -> None:
    """Pass the JVM's standard error on; what Java itself says beside the log becomes JSON, too."""
    for line in lines:
        if not line.startswith("{"):
            now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            said = {"time": now, "level": "INFO", "logger": "jvm", "message": line.rstrip()}
            line = json.dumps(said, ensure_ascii=False) + "\n"
        sys.stderr.write(line)
        sys.stderr.flush()
