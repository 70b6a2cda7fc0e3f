"""Which pairs of failpoint and fault there are, from the steps that have been reviewed."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.reliability.faults.scenario import JOBS
from tests.reliability.faults.steps import AFTER, BEFORE, Failpoint

NAME = "fault matrix"
REVIEWED = Path(__file__).with_name("failpoints.yaml")
EXCEPTION, KILL, DISK, DELAY = KINDS = ("exception", "kill", "disk", "delay")
#: Those that come at every failpoint of a job in one run.
_AT_EACH = (DISK, DELAY)


@dataclass(frozen=True)
class Pair:
    """A failpoint of a job, and the fault that meets it there; without a point, a fault at each in turn.

    Such are a delay and a disk, which is what a kill would leave, taken away for a run that begins with it:
    the job goes on after either, and so comes to all failpoints in one run.
    """

    job: str
    point: Failpoint | None
    kind: str

    def __str__(self) -> str:
        return f"{self.job}: {self.point or 'every failpoint'} ({self.kind})"

    @property
    def row(self) -> str:
        return f"{NAME}: {self.kind}"

    @property
    def number(self) -> int:
        return len(points_of(self))

    @property
    def replay(self) -> str:
        """The command that does it again."""
        return f'python -m tests.reliability.faults --only "{self}"'


def reviewed() -> dict[str, dict[str, int]]:
    """The steps of each job as they have been reviewed, and how often each occurs."""
    return yaml.safe_load(REVIEWED.read_text())


def failpoints(steps: dict[str, int]) -> list[Failpoint]:
    """The failpoints of a job from its steps."""
    return [
        Failpoint(step, number, when)
        for step, count in steps.items()
        for number in range(1, count + 1)
        for when in (BEFORE, AFTER)
    ]


def points_of(pair: Pair) -> set[Failpoint]:
    """The failpoints at which the fault comes."""
    return {pair.point} if pair.point else set(failpoints(reviewed()[pair.job]))


def pairs(kinds: Sequence[str] = KINDS, jobs: Sequence[str] = tuple(JOBS)) -> list[Pair]:
    """All pairs of the reviewed failpoints and some kinds of fault."""
    known = reviewed()
    return [
        Pair(job, point, kind)
        for job in jobs
        for kind in kinds
        for point in (failpoints(known[job]) if kind not in _AT_EACH else [None])
    ]


def chosen(number: int, seed: int, among: Sequence[Pair]) -> list[Pair]:
    """Some of the pairs: one of each job and kind, before there are two of any."""
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in among:
        groups.setdefault((pair.job, pair.kind), []).append(pair)
    chance = random.Random(seed)
    for group in groups.values():
        chance.shuffle(group)
    layers = list(itertools.zip_longest(*groups.values()))
    for i, layer in enumerate(layers):
        layers[i] = tuple(chance.sample(layer, len(layer)))
    found = [pair for layer in layers for pair in layer if pair]
    return found[:number]


def steps_of(passed: Sequence[Failpoint]) -> dict[str, int]:
    """The steps of a run, and how often each occurred, in the order of their names."""
    done = [point for point in passed if point.when == AFTER]
    counts: dict[str, int] = {}
    for point in sorted(done):
        counts[point.step] = max(counts.get(point.step, 0), point.number)
    return counts
