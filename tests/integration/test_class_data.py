"""`make setup` leaves an archive of Spark's classes, and a command takes its classes from there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spark_jobs.lake.session import CLASS_DATA

_BARE = (
    "from spark_jobs.lake.session import start_session, stop_session; "
    "from spark_jobs.settings import Settings; "
    "session = start_session(Settings()); session.range(3).count(); stop_session(session)"
)


@pytest.fixture
def loaded(tmp_path: Path) -> list[str]:
    """What the JVM of a small command says of the classes that it has loaded."""
    said = tmp_path / "classes.log"
    options = f"-Xlog:class+load:file={said}"
    environment = {**os.environ, "SPARK_SUBMIT_OPTS": options, "MLB_SPARK_LOG": str(tmp_path / "spark.log")}
    done = subprocess.run(
        [sys.executable, "-c", _BARE], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return said.read_text().splitlines()


def test_most_classes_come_from_the_archive(loaded: list[str]) -> None:
    archived = sum("source: shared objects file (top)" in line for line in loaded)
    from_jars = sum("source: file:" in line for line in loaded)
    assert CLASS_DATA.exists() and archived > 10 * from_jars, (archived, from_jars)
