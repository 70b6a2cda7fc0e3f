"""Each way back, killed with `kill -9` at random moments and run again: the same lake as undisturbed.

The moments come from a seed; MLB_SEED and MLB_KILLS choose others and more of them (`make killed`).
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from spark_jobs.settings import CONTRACT
from tests.conftest import KEY
from tests.lakes import DAY, TestLake, csv_of, employment
from tests.reliability.processes import children_of

SEED = int(os.environ.get("MLB_SEED", "20231001"))
KILLS = int(os.environ.get("MLB_KILLS", "10"))
NEXT_DAY = DAY.replace(day=2)
ANOTHER_KEY = "another-key-for-tests-that-is-long-enough-9876543210"


@pytest.fixture(scope="module")
def base(module_lake: Callable[..., TestLake]) -> TestLake:
    """Two days: people who stay, one who is paid more, one refused for its team, one for its salary."""
    lake = module_lake(quarantine_limit=1)
    people = [employment(employee_id=f"person{n:02}") for n in range(12)]
    refused = [
        employment(employee_id="badteam1", team_id="???"),
        employment(employee_id="badsal01", salary="x"),
    ]
    lake.deliver(csv_of(*people, *refused))
    lake.succeed()
    raised = employment(employee_id="person03", salary="13000000", updated_at="2014-05-01T00:00:00Z")
    lake.deliver(csv_of(raised), day=NEXT_DAY)
    lake.succeed(day=NEXT_DAY)
    return lake


@dataclass(frozen=True)
class Job:
    """A command, and what it needs in the folder of the lake."""

    arguments: tuple[str, ...]
    prepare: Callable[[TestLake, Path], None] = lambda lake, folder: None


def _mended(lake: TestLake, folder: Path) -> None:
    row = next(r for r in lake.quarantine() if r["reasons"][0]["code"] == "salary_unreadable")
    header = f"quarantine_id,{','.join(lake.contract.names)}"
    mended = csv_of(employment(employee_id="badsal01", salary="700")).splitlines()[1]
    (folder / "mended.csv").write_text(f"{header}\n{row['_row_id']},{mended}\n")


def _other_rules(lake: TestLake, folder: Path) -> None:
    text = CONTRACT.read_text()
    rule = "team_id IS NULL OR "
    assert text.count(rule) >= 1
    (folder / "contract.yaml").write_text(text.replace(rule, "true OR ", 1))


def _new_key(lake: TestLake, folder: Path) -> None:
    (folder / "new.key").write_text(ANOTHER_KEY)


JOBS = {
    "recover": Job(("recover", "--corrections", "mended.csv", "--by", "test"), _mended),
    "reprocess": Job(("reprocess", "--contract", "contract.yaml"), _other_rules),
    "restore": Job(("restore", "--to-version", "1")),
    "erase": Job(("erase", "person05", "--reason", "asked for it")),
    "maintain": Job(("maintain",)),
    "rotate-key": Job(("rotate-key", "--new-key-file", "new.key"), _new_key),
}
#: Which job is killed at which part of its time: every job before any is killed again.
MOMENTS = [
    (name, round(moment, 3))
    for name, moment in zip(
        [list(JOBS)[n % len(JOBS)] for n in range(KILLS)],
        [random.Random(SEED + n).uniform(0.25, 1) for n in range(KILLS)],
        strict=True,
    )
]


def started(lake: TestLake, job: Job, folder: Path) -> subprocess.Popen[bytes]:
    """The command as a process of its own, in the lake's folder."""
    environment = {
        **os.environ,
        "MLB_LANDING": lake.settings.landing,
        "MLB_LAKE": lake.settings.lake,
        "MLB_PSEUDONYM_KEY": KEY,
        "MLB_QUARANTINE_LIMIT": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    with (folder / "out.log").open("ab") as out:
        command = [sys.executable, "-m", "spark_jobs", *job.arguments]
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out)


def finished(lake: TestLake, job: Job, folder: Path) -> float:
    """Run the command to its end; the seconds that it took."""
    began = time.monotonic()
    code = started(lake, job, folder).wait()
    assert code == 0, (folder / "out.log").read_text()[-2000:]
    return time.monotonic() - began


def killed(lake: TestLake, job: Job, folder: Path, seconds: float) -> bool:
    """Run the command and kill it, its JVM first, after some seconds; whether it was still running."""
    process = started(lake, job, folder)
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        for child in (*children_of(process.pid), process.pid):
            os.kill(child, signal.SIGKILL)
        process.wait()
        return True


def states(lake: TestLake) -> dict[str, object]:
    """What must be the same: the tables, each quarantined row's state, and what became of each attempt."""
    attempts = lake.read(lake.tables.attempts).select("decision", "outcome").collect()
    quarantine = sorted((row["_row_id"], row["state"]) for row in lake.quarantine())
    return {**lake.content(), "states": quarantine, "attempts": sorted(map(tuple, attempts))}


@pytest.fixture(scope="module")
def undisturbed(
    base: TestLake, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[dict[str, object], float]]:
    """The lake after a job that nobody disturbed, and the seconds that it took; each job is run once."""
    known: dict[str, tuple[dict[str, object], float]] = {}

    def of(name: str) -> tuple[dict[str, object], float]:
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            lake = base.copy_to(folder)
            JOBS[name].prepare(lake, folder)
            seconds = finished(lake, JOBS[name], folder)
            known[name] = states(lake), seconds
        return known[name]

    return of


@pytest.mark.parametrize(("name", "moment"), MOMENTS)
def test_killed_and_run_again(
    name: str, moment: float, base: TestLake, undisturbed: Callable, tmp_path: Path
) -> None:
    expected, seconds = undisturbed(name)
    lake, job = base.copy_to(tmp_path), JOBS[name]
    job.prepare(lake, tmp_path)
    was_running = killed(lake, job, tmp_path, moment * seconds)
    # Whatever was reached, every table can be read.
    lake.content()
    finished(lake, job, tmp_path)
    assert states(lake) == expected, f"killed while running: {was_running}"
