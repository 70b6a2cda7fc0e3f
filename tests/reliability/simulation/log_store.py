"""The real log store over a fake file system: java/mlb/storage/S3ConditionalLogStore.java and java/ here.

The class is compiled from the tree, with a planted bug where one is asked for, together with the fake, and
one JVM runs all seeds. What each seed came to is looked at here.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyspark

from spark_jobs.lake.s3 import JARS as S3_JARS
from spark_jobs.lake.session import JARS
from tests.reliability.simulation.invariants import Violation

LOG_STORE = Path(__file__).parents[3] / "java" / "mlb" / "storage" / "S3ConditionalLogStore.java"
_FAKE = Path(__file__).parent / "java" / "simulation"


@dataclass(frozen=True)
class JavaBug:
    """A text of the log store that becomes another one."""

    right: str
    wrong: str


@dataclass
class LogStoreOutcome:
    """What came of a seed."""

    seed: int
    trace: list[str]
    faults: dict[str, int]
    violations: list[Violation] = field(default_factory=list)


def missing() -> str | None:
    """What is not there that this half needs, as a sentence; None where all is."""
    if not shutil.which("javac"):
        return "There is no javac on PATH, which the log store is compiled with."
    if not any(S3_JARS.glob("hadoop-aws-*.jar")):
        return f"There are no jars for S3 in {S3_JARS}: run make setup-s3."
    return None


def simulate_log_store(first: int, seeds: int, bug: JavaBug | None = None) -> Iterator[LogStoreOutcome]:
    """Run seeds in one JVM, and look at the invariants of each."""
    with tempfile.TemporaryDirectory() as folder:
        class_path = _compiled(Path(folder), bug)
        small = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m")
        command = ["java", *small, "-cp", class_path, "simulation.Main", str(first), str(seeds)]
        # log4j says in a line of its own that nobody has configured it.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said, errors = process.communicate()
        if process.returncode:
            raise RuntimeError(
                f"The simulation's JVM has ended with {process.returncode}: {errors[-2000:]}"
            )
        for line in said.splitlines():
            told = json.loads(line)
            yield LogStoreOutcome(told["seed"], told["trace"], told["faults"], list(_violations(told)))


def _compiled(folder: Path, bug: JavaBug | None) -> str:
    """Compile the log store, as it is or with a bug, and the fake; the class path."""
    source = LOG_STORE.read_text()
    if bug:
        if source.count(bug.right) != 1:
            raise ValueError(f"{LOG_STORE.name} does not hold this once: {bug.right}")
        source = source.replace(bug.right, bug.wrong)
    (folder / LOG_STORE.name).write_text(source)
    places = (Path(pyspark.__file__).parent / "jars", JARS, S3_JARS)
    # The project's own jar holds the class as it was when the jars were made.
    jars = [
        j for place in places for j in sorted(place.glob("*.jar")) if "conditional-log-store" not in j.name
    ]
    class_path = os.pathsep.join([str(folder), *map(str, jars)])
    sources = [str(folder / LOG_STORE.name), *map(str, sorted(_FAKE.glob("*.java")))]
    command = ["javac", "-nowarn", "-proc:none", "--release", "17", "-cp", class_path, "-d", str(folder)]
    done = subprocess.run([*command, *sources], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return class_path


def _violations(told: dict[str, Any]) -> Iterator[Violation]:
    """What a seed's log and answers contradict."""
    log: dict[str, str] = told["log"]
    written = [content.splitlines()[1] if content.count("\n") > 1 else "" for content in log.values()]
    for version, content in log.items():
        if not content.endswith("\nend\n"):
            yield Violation("whole", f"version {version} is {content!r}")
    for answer in told["answers"]:
        _, attempt, said = answer.split()
        # A commit is tried at several versions: what was answered as taken must be in none of them.
        there = [one for one in written if one.split("@")[0] == attempt.split("@")[0]]
        yield from _of_answer(attempt, said, there, told)
    numbers = sorted(int(version) for version in log)
    if numbers != list(range(len(numbers))):
        yield Violation("no_gap", f"the versions are {numbers}")
    for version in told["replaced"]:
        yield Violation("never_replaced", f"version {version} was written twice")
    if told["careless"] and log:
        yield Violation("careless_store", f"versions {numbers} were written")


def _of_answer(attempt: str, said: str, there: list[str], told: dict[str, Any]) -> Iterator[Violation]:
    found = f"{attempt} is {said}, and in the log is {there}"
    if said == "done" and there != [attempt]:
        yield Violation("done_is_there", found)
    if said in ("taken", "failed", "broken") and attempt in there:
        yield Violation("taken_is_not_there", found)
    if said == "unknown" and len(there) > 1:
        yield Violation("unknown_at_most_once", found)
    if not told["faults"] and not told["careless"] and said not in ("done", "taken", "broken"):
        yield Violation("calm_is_done", found)
