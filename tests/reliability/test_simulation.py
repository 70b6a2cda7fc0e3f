"""The seeded simulation can be believed: each invariant fails on a planted bug, a seed gives the same trace
in every process, and the model commits in the order of the real jobs. `make simulation` tries the seeds.
"""

import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.erase import Request, erase
from spark_jobs.jobs.recover import recover
from spark_jobs.jobs.restore import restore
from spark_jobs.jobs.runner import STAGES, run_job
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import Table
from spark_jobs.ledger import Run
from spark_jobs.quarantine.corrections import Correction, read_corrections
from tests.lakes import DAY, TestLake, csv_of, employment
from tests.reliability.simulation.__main__ import JOBS, LOG_STORE
from tests.reliability.simulation.bugs import BUGS, JAVA_BUGS, Bug
from tests.reliability.simulation.drivers import in_turn, simulate
from tests.reliability.simulation.facts import Record
from tests.reliability.simulation.invariants import SENTENCES
from tests.reliability.simulation.log_store import JavaBug, missing, simulate_log_store
from tests.reliability.simulation.result import Tried, story

NEXT_DAY = DAY + dt.timedelta(days=1)
TREE = Path(__file__).parents[2]
#: Within so many seeds from where it is known to show, a planted bug must be seen.
ENOUGH = 100
needs_java = pytest.mark.skipif(bool(missing()), reason=str(missing()))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{bug.breaks}: {' and '.join(bug.names)}")
def test_a_planted_bug_breaks_its_invariant(bug: Bug) -> None:
    tried = (simulate(bug.near + number, frozenset(bug.names)) for number in range(ENOUGH))
    assert any(violation.invariant == bug.breaks for outcome in tried for violation in outcome.violations)


@needs_java
@pytest.mark.parametrize(("breaks", "bug"), JAVA_BUGS, ids=[breaks for breaks, _ in JAVA_BUGS])
def test_a_bug_planted_in_the_log_store_breaks_its_invariant(breaks: str, bug: JavaBug) -> None:
    tried = simulate_log_store(0, ENOUGH, bug)
    assert any(violation.invariant == breaks for outcome in tried for violation in outcome.violations)


def test_every_invariant_fails_on_a_planted_bug() -> None:
    assert {bug.breaks for bug in BUGS} | {breaks for breaks, _ in JAVA_BUGS} == set(SENTENCES)


def test_every_bug_that_the_model_can_have_is_planted() -> None:
    model = Path(__file__).parent / "simulation"
    branches = {
        name for file in model.glob("*.py") for name in re.findall(r'has\("([^"]+)"', file.read_text())
    }
    planted = {name for bug in BUGS for name in bug.names}
    assert branches <= planted, branches - planted


def traces(part: str, hash_seed: str) -> str:
    """The traces of some seeds, from a process of its own."""
    command = [sys.executable, "-m", "tests.reliability.simulation", "--part", part, "--trace"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [*command, "--seeds", "10", "--from", "7"],
        cwd=TREE,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    *trace, line = done.stdout.splitlines()
    assert "violations 0" in line
    return "\n".join(trace)


@pytest.mark.parametrize("part", [JOBS, pytest.param(LOG_STORE, marks=needs_java)])
def test_a_seed_gives_the_same_trace_in_every_process(part: str) -> None:
    assert traces(part, "1") == traces(part, "2")


def test_a_violation_tells_how_to_see_it_again() -> None:
    outcome = next(o for o in map(_planted, range(ENOUGH)) if o.violations)
    told = story(outcome, JOBS)
    assert f"--seeds 1 --from {outcome.seed}" in told
    assert SENTENCES[outcome.violations[0].invariant] in told
    assert outcome.trace[-1] in told


def _planted(seed: int) -> Tried:
    return simulate(seed, frozenset({"Bronze without a number"}))


# --- The model's order of commits is that of the real jobs.

#: What the model stands one table for, leaves out, or makes other rows of: one of Gold's tables is enough,
#: since they are committed together.
_OTHERS = (
    "gold/roster_movement",
    "gold/position_salaries",
    "gold/league_season_summary",
    "gold/data_quality_daily",
)


def committed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that real jobs commit rows or properties to from now on, in their order."""
    order: list[str] = []
    commit = Lake.committing

    @contextmanager
    def noting(lake: Lake, table: Table) -> Iterator[None]:
        created = not lake.exists(table)
        with commit(lake, table):
            yield
        if table.name not in _OTHERS and not created:
            order.append(table.name)

    monkeypatch.setattr(Lake, "committing", noting)
    return order


def in_groups(order: Iterator[str], groups: list[list[str]]) -> list[list[str]]:
    """A real order cut into groups as long as the model's; within one, what is together has no order."""
    return [sorted(islice(order, len(group))) for group in groups]


@pytest.mark.long
def test_the_models_commits_are_those_of_the_real_jobs(
    new_lake: Callable[..., TestLake], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two deliveries, each job twice, a recovery, a restore and an erasure."""
    lake = new_lake(quarantine_limit=1)
    order = committed(monkeypatch)
    lake.deliver(csv_of(employment(employee_id="ann"), employment(employee_id="bob", salary="x")))
    for _ in range(2):
        lake.succeed(*STAGES)
    point = lake.lake.version(lake.tables.current)
    way_back(lake, "recover", partial(recover, corrections=mended(lake), by="me", run_stage=stage_of(lake)))
    lake.deliver(csv_of(employment(employee_id="cy")), day=NEXT_DAY)
    lake.succeed(*STAGES, day=NEXT_DAY)
    way_back(lake, "restore", partial(restore, version=point))
    way_back(lake, "erase", partial(erase, request=Request(("ann",), "asked for it", "me")))

    days = {
        (1, "a.csv"): (Record("ann", 2014, 100, 1), Record("bob", 2014, None, 1)),
        (2, "a.csv"): (Record("cy", 2014, 200, 2),),
    }
    stages: list[tuple[str, int | None]] = [(name, 1) for name in (*STAGES, *STAGES)]
    stages += [("recover", 1), *((name, 2) for name in STAGES), ("restore", None), ("erase", None)]
    groups = [sorted(set(group) - set(_OTHERS)) for group in in_turn(days, stages, "ann")]
    groups = [group for group in groups if group]
    real = iter(order)
    assert in_groups(real, groups) == groups
    assert not list(real)


def way_back(lake: TestLake, name: str, job: Callable[[JobContext], object]) -> None:
    run = run_job(lake.spark, lake.settings, lake.contract, name, None, job)
    assert not run.error


def mended(lake: TestLake) -> list[Correction]:
    """A correction of the one refused row, as people write it."""
    (row,) = lake.quarantine()
    text = csv_of(employment(employee_id="bob", salary="700")).splitlines()[1]
    content = f"quarantine_id,{','.join(lake.contract.names)}\n{row['_row_id']},{text}\n"
    return read_corrections(content.encode(), lake.contract, "mended.csv")


def stage_of(lake: TestLake) -> Callable[[str, dt.date], Run]:
    return lambda name, day: run_job(lake.spark, lake.settings, lake.contract, name, day)
