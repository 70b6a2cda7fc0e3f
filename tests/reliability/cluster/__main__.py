"""Faults of the cluster, by hand, in what `make deploy` has installed: `make cluster-faults`.

One delivery comes into an empty lake. While a stage's pod runs, a pod of the platform is killed, evicted or
out of memory, S3 is away for half a minute, or the Kubernetes API is restarted; every fault in every stage,
three times. The run must end well, with every table as after an undisturbed run, at most one driver of a
task alive at any time, and no alert, since nobody has to do anything. The cluster's lake is emptied.

    python -m tests.reliability.cluster                                       all, for hours
    python -m tests.reliability.cluster --only "scheduler killed in etl (1)"  one, as it is printed
    python -m tests.reliability.cluster --faults "driver killed" --rounds 1   some
    python -m tests.reliability.cluster --folder F --seconds 3000             some, F is gone on with

MLB_RESTART_API is the command that restarts the Kubernetes API; without one that fault is left out. Exit
code 1 where a trial went wrong.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from pyspark.sql import SparkSession

from deploy import __main__ as platform
from tests.e2e.deployed import (
    LONGEST,
    PIPELINE,
    STAGES,
    alerts,
    day_ended,
    deferred_pod,
    empty_lake,
    lake_at,
    put,
    run_day,
    tasks_of_day,
    use_s3_keys,
)
from tests.e2e.servers import session_on
from tests.lakes import csv_of, employment
from tests.ports import free_port
from tests.reliability.cluster.faults import FAULTS, Fault, executors
from tests.reliability.cluster.trials import NAME, Trial, trials
from tests.reliability.cluster.watching import Watching
from tests.reliability.resumable import folder_of, go_through, only, parser_of, part_of, say, told
from tests.waiting import wait_until

#: A day of which no other test knows.
DAY = "2023-12-01"
#: What a call ends with whose way into the cluster, or other end, is not there.
_AWAY = (OSError, RuntimeError, click.ClickException, subprocess.CalledProcessError)


@dataclass(frozen=True)
class Outcome:
    """What became of a trial."""

    pair: str
    problems: tuple[str, ...]
    seconds: float
    tries: int


class Platform:
    """What is deployed, and what its lake holds when a day has run undisturbed.

    Every way into the cluster is opened when it is needed: a fault may cut one that is open.
    """

    def __init__(self, spark: SparkSession, port: int) -> None:
        self._port = port
        self._lake = lake_at(spark, "s3a://mlb")
        self._put_delivery()
        say(f"the delivery of {DAY}, undisturbed")
        self._empty_lake()
        with platform.airflow() as api:
            api.unpause(PIPELINE)
            if run_day(api, DAY) != "success":
                raise SystemExit(f"The delivery of {DAY} does not run without any fault.")
        self._content = self._lake_now()

    def meet(self, trial: Trial) -> Outcome:
        """Run the day, let the fault come, and say what is wrong then."""
        began = time.monotonic()
        self._alerts()
        self._empty_lake()
        with executors() if trial.fault.of_executors else contextlib.nullcontext():
            return self._met(trial, began)

    def _met(self, trial: Trial, began: float) -> Outcome:
        with Watching(DAY) as watching:
            with platform.airflow() as api:
                known = api.starts_of_day(PIPELINE, DAY)
                api.backfill(PIPELINE, DAY)
                wait_until(lambda: bool(api.starts_of_day(PIPELINE, DAY) - known), LONGEST)
                pod = deferred_pod(api, DAY, trial.task, STAGES[trial.task])
                missing = _strike(trial.fault, pod)
            state, tries = self._ended(trial.task)
        if trial.fault.ends_driver and tries < 2:
            missing.append(f"the fault did not come: the stage was tried {tries} times")
        problems = (*missing, *self._wrong(state, watching))
        return Outcome(str(trial), problems, round(time.monotonic() - began, 1), tries)

    def _ended(self, task: str) -> tuple[str, int]:
        """The state in which the run ends, and how often a task of it was tried."""
        ends = time.monotonic() + LONGEST
        while time.monotonic() < ends:
            # Airflow's API, and the way to it, may be away for a while: that is what is tried.
            with (
                contextlib.suppress(OSError, RuntimeError, click.ClickException),
                platform.airflow() as api,
            ):
                state = day_ended(api, DAY)
                return state, tasks_of_day(api, DAY)[task]["try_number"]
            time.sleep(2)
        return "no run that ends", 0

    def _wrong(self, state: str, watching: Watching) -> Iterator[str]:
        if state != "success":
            yield f"the run ended as {state}"
        for job, number in watching.most.items():
            if number > 1:
                yield f"{number} drivers of {job} were alive at once"
        if not watching.looked:
            yield "nobody has seen the pods"
        now = self._lake_now()
        for table in sorted({*now, *self._content}):
            if now.get(table) != self._content.get(table):
                yield f"{table}: {now.get(table)} in place of {self._content.get(table)}"
        if received := self._alerts():
            yield f"{len(received)} alerts: {received[0]['Subject']}"

    def _put_delivery(self) -> None:
        """People who stay, one row that is refused, and one that is delivered twice."""
        rows = [employment(employee_id=f"person{n:02}", season=str(2004 + n % 10)) for n in range(40)]
        refused = employment(employee_id="badteam1", team_id="???")
        with s3(self._port) as url:
            put(url, f"landing/employees/{DAY}/a.csv", csv_of(*rows, rows[0], refused))

    def _empty_lake(self) -> None:
        with s3(self._port) as url:
            empty_lake(url)

    def _lake_now(self) -> dict[str, str]:
        # Another lake each time, at the place of the one that Delta knows.
        jvm: Any = self._lake.spark._jvm
        jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
        with s3(self._port):
            return self._lake.content()

    def _alerts(self) -> list[dict[str, Any]]:
        with s3(self._port) as url:
            return alerts(url)


def _strike(fault: Fault, pod: str) -> list[str]:
    """Let the fault come; why it did not."""
    try:
        fault.strike(pod)
    except AssertionError as error:
        return [f"the fault did not come: {error or f'in time, to {pod}'}"]
    return []


@contextlib.contextmanager
def s3(port: int) -> Iterator[str]:
    """The cluster's S3, SNS and SQS, at this port of this machine."""
    with platform.forwarded(platform.AIRFLOW, f"service/{platform.AWS_LOCAL}", 5000, local=port):
        yield f"http://127.0.0.1:{port}"


def options() -> argparse.Namespace:
    parser = parser_of("tests.reliability.cluster", __doc__)
    names = ",".join(fault.name for fault in FAULTS)
    parser.add_argument("--faults", default=names, help="only these  [default: %(default)s]")
    parser.add_argument("--rounds", type=int, default=3, help="[default: %(default)s]")
    return parser.parse_args()


def wanted_trials(given: argparse.Namespace) -> list[Trial]:
    """The trials that the options ask for."""
    if given.only:
        return only(trials(), given.only)
    names = set(given.faults.split(","))
    among = [trial for trial in trials() if trial.fault.name in names and trial.round <= given.rounds]
    if not os.environ.get("MLB_RESTART_API"):
        among = [trial for trial in among if "Kubernetes API" not in trial.fault.name]
    return part_of(among, given.part)


@contextlib.contextmanager
def deployed(folder: Path) -> Iterator[Platform]:
    """The platform in the cluster that KUBECONFIG names, and a session that reads its lake from here."""
    use_s3_keys()
    port = free_port()
    with contextlib.ExitStack() as stack:
        with s3(port) as url:
            spark = stack.enter_context(session_on(url, folder / "spark.log"))
        yield Platform(spark, port)


def main() -> int:
    given = options()
    wanted = wanted_trials(given)
    folder = folder_of(given, "cluster-")
    began = time.monotonic()
    with deployed(folder) as here:
        done = go_through(wanted, here.meet, Outcome, folder, given, began)
    return told(NAME, done, folder / "result.json", given.result)


if __name__ == "__main__":
    sys.exit(main())
