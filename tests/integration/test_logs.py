"""The log as JSON of a process whose Spark fails at a value: of Python, of the driver and of its tasks."""

import json
import os
import subprocess
import sys
from pathlib import Path

FAILS = """
import logging
from spark_jobs.lake.session import start_session, stop_session
from spark_jobs.process.logs import logging_to
from spark_jobs.settings import Settings

settings = Settings()
with logging_to(settings):
    spark = start_session(settings)
    names = spark.createDataFrame([("Quacksalver",), ("O'Quack",)], "name string").repartition(2)
    for failing in (names.selectExpr("CAST(name AS INT)"), names.select(names.name.cast("int"))):
        try:
            failing.collect()
        except Exception as error:
            logging.getLogger("spark_jobs").error("It failed.", exc_info=error)
    stop_session(spark)
"""


def test_the_log_of_an_error_says_what_happened_and_no_value(tmp_path: Path) -> None:
    environment = {**os.environ, "MLB_LOG_FORMAT": "json", "MLB_DRIVER_MEMORY": "1g"}
    done = subprocess.run(
        [sys.executable, "-c", FAILS], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    for logger, trace in (("spark_jobs", "Traceback"), ("org.apache.spark.executor.Executor", "\tat org.")):
        (line, *_) = [line for line in lines if line["logger"] == logger and line["level"] == "ERROR"]
        assert 'The value \'…\' of the type "STRING" cannot be cast to "INT"' in line["exception"]
        assert trace in line["exception"]
    (lost, *_) = [line["message"] for line in lines if "TaskSetManager" in line["logger"]]
    assert lost.startswith("Lost task ") and "The value '…'" in lost
    assert "quack" not in done.stderr.lower()
