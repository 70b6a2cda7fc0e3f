"""One seed: several drivers beside each other, killed at any step and run again, until all have ended."""

import random
from dataclasses import dataclass, field
from functools import partial

from tests.reliability.simulation.facts import Record
from tests.reliability.simulation.invariants import End, Violation, checked_at_the_end, checked_on_the_way
from tests.reliability.simulation.jobs import Job, Run, aggregate, etl, ingest, load, run_job
from tests.reliability.simulation.lake import Steps
from tests.reliability.simulation.store import Store, Weather
from tests.reliability.simulation.ways_back import (
    apply_erasures,
    erase,
    maintain,
    recover,
    reprocess,
    restore,
)

STAGES: dict[str, Job] = {"ingest": ingest, "etl": etl, "load": load, "aggregate": aggregate}
DAYS, PEOPLE, SEASONS = (1, 2, 3), ("ann", "bob", "cy", "di"), (2014, 2015, 2016)
#: After so many steps nobody is killed any more and the store is well: all must come to its end.
_STORM = 1500
_MOST_STEPS = 20_000
#: How often a run may fail in a store that is well, beside others that get in its way.
_MOST_FAILURES = 12


@dataclass
class Driver:
    """A process, or a person, that does its stages in order and does each again until it succeeds."""

    name: str
    stages: list[tuple[str, int | None]]
    #: Alone: starts where nobody else is at work, and nobody starts beside it (docs/runbooks/erase.md).
    alone: bool = False
    #: The drivers that must have ended before it starts.
    after: tuple[str, ...] = ()
    at: int = 0
    steps: Steps[str] | None = None
    failures: int = 0
    paused_until: int = 0

    @property
    def ended(self) -> bool:
        return self.at == len(self.stages)


@dataclass
class Outcome:
    """What came of a seed."""

    seed: int
    trace: list[str]
    steps: int
    faults: dict[str, int]
    violations: list[Violation]


@dataclass
class World:
    """The store, and the drivers that are at work on it."""

    seed: int
    store: Store
    bugs: frozenset[str]
    drivers: list[Driver]
    landing: dict[tuple[int, str], tuple[Record, ...]]
    erased: str = ""
    runs: int = 0
    looked_at: int = 0
    gave_up: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    def in_order(self) -> None:
        """One driver after the other, and nobody goes back: what the disturbed world must come to."""
        left_out = ("twin", "maintain", "restore", "bring back")
        self.drivers = [driver for driver in self.drivers if driver.name not in left_out]
        for before, driver in zip(self.drivers, self.drivers[1:], strict=False):
            driver.after = (before.name,)

    def next_driver(self) -> Driver | None:
        """Somebody who can go on, or may start."""
        at_work = [driver for driver in self.drivers if driver.steps]
        if any(driver.alone for driver in at_work):
            ready = at_work
        else:
            ended = {driver.name for driver in self.drivers if driver.ended}
            waiting = [d for d in self.drivers if not d.steps and not d.ended and ended.issuperset(d.after)]
            # Whoever wants to be alone keeps others from starting, or it would wait for ever.
            alone = [d for d in waiting if d.alone and d.paused_until <= self.store.step]
            # A commit that is still on its way is somebody at work, too.
            free = not at_work and not self.store.late
            ready = (alone if free else at_work) if alone else at_work + waiting
        ready = [driver for driver in ready if driver.paused_until <= self.store.step]
        return self.store.rng.choice(ready) if ready else None

    def advance(self, driver: Driver) -> None:
        """One step of a driver: or it is killed, or kept waiting, between two."""
        store = self.store
        if driver.steps and store.happens("killed"):
            store.say(f"{driver.name} is killed")
            driver.steps.close()
            driver.steps = None
            driver.paused_until = store.step + store.rng.randint(0, 60)
            return
        if store.happens("delayed"):
            driver.paused_until = store.step + store.rng.randint(1, store.rng.choice((20, 60, 200)))
            return
        name, day = driver.stages[driver.at]
        if name == "deliver again":
            self._deliver_again(day)
            driver.at += 1
            return
        driver.steps = driver.steps or self.stage(name, day)
        try:
            store.say(f"{driver.name:10} {name}/{day or '-'}: {next(driver.steps)}")
        except StopIteration as end:
            driver.steps = None
            self._ended(driver, end.value)

    def _deliver_again(self, day: int | None) -> None:
        self.store.say(f"the files of day {day} are delivered again")
        self.store.landing |= {file: content for file, content in self.landing.items() if file[0] == day}

    def _ended(self, driver: Driver, outcome: str) -> None:
        """What the driver does next: the next stage, or this one (or etl) again."""
        name, _ = driver.stages[driver.at]
        if outcome == "refused" and name == "restore":
            # No point can be read any more, says restore, and names the command that helps.
            driver.stages[driver.at] = ("reprocess", None)
            return
        if outcome == "succeeded":
            driver.at += 1
            driver.failures = 0
            return
        driver.at -= outcome == "not staged" and driver.at > 0
        # Airflow waits for minutes before it runs a task again; a PUT on its way lives for seconds.
        on_its_way = max((late.due for late in self.store.late), default=self.store.step)
        driver.paused_until = on_its_way + self.store.rng.randint(0, 60)
        driver.failures += self.store.calm
        if driver.failures > _MOST_FAILURES or outcome == "refused":
            self.gave_up.append(f"{name} by {driver.name}: {outcome}")
            driver.at = len(driver.stages)

    def stage(self, name: str, day: int | None) -> Steps[str]:
        """One run of a job, from its first step to its row in the ledger."""
        self.runs += 1
        run = Run(f"{name}/{day or '-'}#{self.runs}", name, day, self.store, self.bugs)
        jobs: dict[str, Job] = {
            **STAGES,
            "erase": partial(erase, person=self.erased),
            "erase again": apply_erasures,
            "recover": partial(recover, day=day or 0, run_stage=self.stage),
            "restore": restore,
            "reprocess": reprocess,
            "maintain": maintain,
        }
        self.store.say(f"{run.name} starts")
        outcome = yield from run_job(run, jobs[name])
        self.store.say(f"{run.name} ends: {outcome}")
        return outcome


def deliveries(rng: random.Random) -> dict[tuple[int, str], tuple[Record, ...]]:
    """Two files at most a day; few people, so that deliveries meet in the same keys."""
    landing = {}
    for day in DAYS:
        for name in ("a.csv", "b.csv")[: rng.randint(1, 2)]:
            records = [_record(rng, day) for _ in range(rng.randint(1, 4))]
            landing[day, name] = tuple(records)
    return landing


def _record(rng: random.Random, day: int) -> Record:
    person, at = rng.choice(PEOPLE), rng.randint(1, 100) * 10 + day
    if rng.random() < 0.1:
        return Record("", rng.choice(SEASONS), None, at, names=person)
    salary = None if rng.random() < 0.2 else rng.randint(1, 9) * 100
    return Record(person, rng.choice(SEASONS), salary, at)


def plan(rng: random.Random, landing: dict) -> tuple[list[Driver], str]:
    """Who does what beside whom, and who is to be erased: a pipeline for each day, and some of the rest."""
    drivers = [Driver(f"day {day}", [(name, day) for name in STAGES]) for day in DAYS]
    stages: list[tuple[str, int | None]]
    every = tuple(driver.name for driver in drivers)
    day = rng.choice(DAYS)
    if rng.random() < 0.4:  # a second process that was started for the same work
        drivers.append(Driver("twin", [(name, day) for name in STAGES]))
    if rng.random() < 0.6:
        drivers.append(Driver("recover", [("recover", day)], after=(f"day {day}",)))
    if rng.random() < 0.3:
        drivers.append(Driver("maintain", [("maintain", None)]))
    known = sorted({r.person for (of, _), content in landing.items() for r in content if of == day} - {""})
    erased = rng.choice(known) if known and rng.random() < 0.4 else ""
    if erased:
        drivers.append(Driver("erase", [("erase", None)], alone=True, after=(f"day {day}",)))
    if rng.random() < 0.3:
        drivers.append(Driver("restore", [("restore", None)], after=every[:1]))
        back: list[tuple[str, int | None]]
        back = [(name, day) for day in DAYS for name in ("etl", "load", "aggregate")]
        drivers.append(Driver("bring back", back, after=(*every, "restore")))
    if (
        rng.random() < 0.3
    ):  # the delivery is run once more, and half of the times its files are put there anew
        stages = [("deliver again", day)] if rng.random() < 0.5 else []
        stages += [(name, day) for name in STAGES]
        drivers.append(Driver("again", stages, after=(f"day {day}",)))
    return drivers, erased


def new_world(seed: int, bugs: frozenset[str], disturbed: bool = True) -> World:
    """A seed's world before its first step; undisturbed with the same deliveries and the same drivers."""
    rng = random.Random(seed)
    landing = deliveries(rng)
    drivers, erased = plan(rng, landing)
    if erased and any(driver.name == "again" for driver in drivers):
        # An SSN alone, delivered after the erasure, is nobody's (docs/runbooks/erase.md): leave those out.
        landing = {file: tuple(r for r in content if r.person) for file, content in landing.items()}
    store = Store(rng, Weather.of(rng))
    store.landing = dict(landing)
    store.calm = not disturbed
    return World(seed, store, bugs, drivers, landing, erased)


def run_world(world: World) -> None:
    """Let a seeded scheduler choose who does the next step, until all have ended."""
    store = world.store
    while not all(driver.ended for driver in world.drivers):
        store.step += 1
        if store.step > _STORM:
            store.calm = True
        if store.step > _MOST_STEPS or world.violations:
            break
        store.arrive()
        chosen = world.next_driver()
        if chosen:
            world.advance(chosen)
        if len(store.landed) > world.looked_at:
            world.looked_at = len(store.landed)
            world.violations += checked_on_the_way(store)


def simulate(seed: int, bugs: frozenset[str] = frozenset()) -> Outcome:
    """Run one seed, and look at all invariants."""
    world = new_world(seed, bugs)
    run_world(world)
    if not world.violations:
        undisturbed = new_world(seed, frozenset(), disturbed=False)
        undisturbed.in_order()
        run_world(undisturbed)
        gave_up = tuple(world.gave_up)
        if world.store.step > _MOST_STEPS:
            gave_up += (f"not all have ended after {_MOST_STEPS} steps",)
        end = End(world.store, undisturbed.store, world.erased, gave_up)
        world.violations = checked_at_the_end(end)
    store = world.store
    return Outcome(seed, store.trace, store.step, store.faults, world.violations)


def in_turn(
    landing: dict[tuple[int, str], tuple[Record, ...]], stages: list[tuple[str, int | None]], erased: str
) -> list[list[str]]:
    """Run stages one after the other, undisturbed; the tables committed, in groups of what is together."""
    world = new_world(0, frozenset(), disturbed=False)
    world.store.landing, world.landing, world.erased = dict(landing), landing, erased
    world.drivers = [Driver("all", list(stages))]
    run_world(world)
    return [group for group in world.store.commits if group]
