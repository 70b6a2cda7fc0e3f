"""The fault matrix: the lakes of its jobs, and how a fault meets one of them there."""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import SparkSession

from tests.reliability.faults import scenario
from tests.reliability.faults.disks import Disks
from tests.reliability.faults.failing import At, fail, run
from tests.reliability.faults.judging import differences, never_published, saw_mixed
from tests.reliability.faults.pairs import DISK, EXCEPTION, KILL, Pair, failpoints, points_of, steps_of
from tests.reliability.faults.poller import Readers
from tests.reliability.faults.reading import State, state_of
from tests.reliability.faults.scenario import JOBS, START, copied, environment
from tests.reliability.faults.steps import Failpoint

TREE = Path(__file__).parents[3]
#: A job takes seconds; one that hangs is killed, and has not met its fault.
_LONGEST = 240
#: What Delta notes in the session for itself.
_DELTAS_OWN = "spark.databricks.delta.lastCommitVersionInSession"


@dataclass(frozen=True)
class Outcome:
    """What became of a pair: what was wrong (nothing, if all is well), and the seconds that it took.

    `tried`: at how many failpoints the fault came; `mixed`: whether somebody who reads several tables at
    their newest versions saw some as before and some as after; `gone`: whether for a while the newest point
    could not be read.
    """

    pair: str
    problems: tuple[str, ...]
    seconds: float
    mixed: bool = False
    gone: bool = False
    tried: int = 1


@dataclass(frozen=True)
class _Rerun:
    """What a run after a fault has left, and what readers saw until then; see Outcome."""

    problems: list[str]
    mixed: bool = False
    gone: bool = False


@dataclass
class Matrix:
    """The lakes of all jobs as they are before and after an undisturbed run, and what meets the faults.

    Everything lies in `folder`: a later process goes on with what it finds there.
    """

    folder: Path
    spark: SparkSession
    readers: Readers
    #: What each job's undisturbed run has passed, by name of the step.
    steps: dict[str, dict[str, int]] = field(default_factory=dict)

    def prepare(
        self, jobs: Sequence[str] = tuple(JOBS), tell: Callable[[str], None] = lambda line: None
    ) -> None:
        """Make the lakes of jobs, where there are none, by running them and those before them."""
        done = self.folder / "steps.json"
        self.steps = json.loads(done.read_text()) if done.exists() else {}
        if not (self._after(START) / "state.json").exists():
            tell("the lake before the first job")
            self._start()
        for name in with_those_before(jobs):
            if name not in self.steps:
                tell(f"{name}, undisturbed")
                self.steps[name] = self._undisturbed(name)
                done.write_text(json.dumps(self.steps))

    def _undisturbed(self, name: str) -> dict[str, int]:
        """Make the lakes before and after a job; the steps that it takes."""
        job, before, after = JOBS[name], self._before(name), self._after(name)
        copied(self._after(job.after), before)
        job.prepare(before)
        _keep(before)
        copied(before, after)
        passed: list[Failpoint] = []
        self._succeed(job.command(after), after, passed.append)
        _keep(after)
        return steps_of(passed)

    def _before(self, job: str) -> Path:
        return self.folder / f"before-{job}"

    def _after(self, job: str) -> Path:
        return self.folder / f"after-{job}"

    def _start(self) -> None:
        folder = self._after(START)
        shutil.rmtree(folder, ignore_errors=True)
        scenario.first_days(folder)
        for command in scenario.FIRST_COMMANDS:
            self._succeed(command, folder)
        scenario.first_day_again(folder)
        for command in scenario.AGAIN_COMMANDS:
            self._succeed(command, folder)
        scenario.late_day(folder)
        _keep(folder)

    def _succeed(
        self, command: Sequence[str], folder: Path, watch: Callable[[Failpoint], None] | None = None
    ) -> None:
        log = folder / "out.log"
        folder.mkdir(parents=True, exist_ok=True)
        if run(command, environment(folder), log, watch):
            raise AssertionError(f"{' '.join(command)} failed: {log.read_text()[-3000:]}")

    def meet(self, pair: Pair) -> Outcome:
        """Let the fault meet the job, run it again, and say what is wrong then, or was meanwhile."""
        began, tried = time.monotonic(), len(points_of(pair))
        # A place of its own, of which Spark has not kept anything.
        place = self.folder / f"met-{uuid.uuid4().hex[:8]}"
        folder = copied(self._before(pair.job), place / "met")
        after = self._of_disks(pair.job, folder) if pair.kind == DISK else [self._of_fault(pair, folder)]
        problems = [problem for each in after for problem in each.problems]
        if not problems:
            shutil.rmtree(place)
        seconds = round(time.monotonic() - began, 1)
        return Outcome(
            str(pair),
            tuple(problems),
            seconds,
            mixed=any(each.mixed for each in after),
            gone=any(each.gone for each in after),
            tried=tried,
        )

    def _of_fault(self, pair: Pair, folder: Path) -> _Rerun:
        self.readers.watch(folder / "lake")
        problems = list(self._meet(pair, folder))
        self.readers.look()
        return self._rerun(pair.job, folder, problems)

    def _of_disks(self, job: str, folder: Path) -> list[_Rerun]:
        """What became of each disk that the job's failpoints had, run again from there."""
        disks = Disks(folder, folder.parent)
        command, wanted = JOBS[job].command(folder), set(failpoints(self.steps[job]))
        if run(command, environment(folder), folder / "out.log", disks):
            return [_Rerun(["the job failed"])]
        met = {point for disk in disks.found for point in disk.points}
        missed = [f"the job did not come to {point}" for point in sorted(wanted - met)]
        done = [_Rerun(missed)]
        for disk in disks.found:
            self.readers.watch(disk.folder / "lake")
            rerun = self._rerun(job, disk.folder, [])
            where = f"from the disk at {', '.join(map(str, disk.points))}"
            done.append(dataclasses.replace(rerun, problems=[f"{where}: {p}" for p in rerun.problems]))
        return done

    def _rerun(self, job: str, folder: Path, problems: list[str]) -> _Rerun:
        """Run a job again in a folder that readers watch, and judge its lake and what they saw."""
        # What a new process would not know of either.
        self.spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # pyright: ignore
        if run(JOBS[job].command(folder), environment(folder), folder / "out.log"):
            problems.append("the rerun failed")
        seen = self.readers.report()
        before, after = _kept(self._before(job)), _kept(self._after(job))
        problems += differences(job, after, state_of(folder))
        problems += never_published(job, seen, before, after)
        if problems:
            problems.append(f"log: {(folder / 'out.log').read_text()[-2000:]}")
        return _Rerun(problems, saw_mixed(seen, before, after), bool(seen.gone))

    def _meet(self, pair: Pair, folder: Path) -> Iterator[str]:
        command, log = JOBS[pair.job].command(folder), folder / "out.log"
        if pair.kind == KILL and pair.point:
            ended = _killed(pair.point, command, folder, log)
            if ended != -signal.SIGKILL:
                yield f"it was not killed: its process ended with {ended}"
            return
        session = _session(self.spark)
        at = At(pair.point, fail if pair.kind == EXCEPTION else self.readers.look)
        ended = run(command, environment(folder), log, at)
        if missed := points_of(pair) - set(at.met):
            yield f"the job did not come to {', '.join(map(str, sorted(missed)))}"
        if ended != (1 if pair.kind == EXCEPTION else 0):
            yield f"the job ended with {ended}"
        changed = dict(_session(self.spark).items() ^ session.items())
        if changed:
            yield f"the job has left other settings in the session: {changed}"


def with_those_before(jobs: Sequence[str]) -> list[str]:
    """The jobs, and those on whose lakes they run, in their order."""
    wanted = set(jobs)
    for name in reversed(JOBS):
        if name in wanted:
            wanted.add(JOBS[name].after)
    return [name for name in JOBS if name in wanted]


def _killed(point: Failpoint, command: Sequence[str], folder: Path, log: Path) -> int:
    """How the process of a command ended that was to be killed."""
    module = [sys.executable, "-m", "tests.reliability.faults.failing", str(point), *command]
    within = {**os.environ, **environment(folder), "PYTHONPATH": str(TREE)}
    with log.open("a") as out:
        process = subprocess.Popen(module, cwd=folder, env=within, stdout=out, stderr=out)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_LONGEST)
    process.kill()
    return process.wait()


def _session(spark: SparkSession) -> dict[str, str | None]:
    """What jobs set in the session while they run."""
    local = ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel")
    properties = {name: spark.sparkContext.getLocalProperty(name) for name in local}
    settings = {n: v for n, v in spark.conf.getAll.items() if n.startswith("spark.databricks.")}
    settings.pop(_DELTAS_OWN, None)
    return {**settings, **properties}


def _keep(folder: Path) -> None:
    (folder / "state.json").write_text(json.dumps(dataclasses.asdict(state_of(folder))))


def _kept(folder: Path) -> State:
    return State(**json.loads((folder / "state.json").read_text()))
