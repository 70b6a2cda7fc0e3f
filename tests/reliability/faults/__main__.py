"""The whole fault matrix, by hand: `make faults`. A process that ends early is gone on with.

python -m tests.reliability.faults                         every pair of failpoint and fault
python -m tests.reliability.faults --only "load: before commit ops/loads #1 (kill)"
python -m tests.reliability.faults --record                write failpoints.yaml anew, for review
python -m tests.reliability.faults --seconds 250 --kinds kill --part 1/2
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from spark_jobs.lake.session import start_session, stop_session
from spark_jobs.settings import Settings
from tests.reliability.faults.matrix import TREE, Matrix, Outcome, Result
from tests.reliability.faults.pairs import KINDS, REVIEWED, Pair, chosen, pairs
from tests.reliability.faults.poller import Readers
from tests.reliability.faults.scenario import JOBS

_HEAD = """\
# The steps of each job, and how often each occurs in the scenario of the fault matrix. A fault comes before
# and after each. `python -m tests.reliability.faults --record` writes this file: look at what has changed.
"""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.faults")
    parser.add_argument("--folder", type=Path, help="where lakes and outcomes lie, to go on with")
    parser.add_argument("--record", action="store_true", help="write the failpoints for review, and end")
    parser.add_argument("--only", help="one pair, as it is printed")
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--steps", default="", help="only steps whose names begin with one of these")
    parser.add_argument("--part", default="1/1", help="the k-th of n parts")
    parser.add_argument("--seconds", type=float, help="begin no pair after so many")
    parser.add_argument("--seed", type=int, default=20231001, help="for the order of the pairs")
    return parser.parse_args()


def main() -> int:
    given = options()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    spark = start_session(Settings(spark_log=folder / "spark.log", driver_memory="2g"), "faults")
    readers = Readers(TREE)
    matrix = Matrix(folder, spark, readers)
    began = time.monotonic()
    try:
        wanted = wanted_pairs(given) if not given.record else []
        matrix.prepare([pair.job for pair in wanted] or list(JOBS), say)
        if given.record:
            REVIEWED.write_text(_HEAD + yaml.safe_dump(matrix.steps, sort_keys=False, width=108))
            return 0
        return met(matrix, wanted, given, began)
    finally:
        readers.stop()
        stop_session(spark)


def met(matrix: Matrix, wanted: list[Pair], given: argparse.Namespace, began: float) -> int:
    """Meet of the pairs what is still to be met; 1 where something was lost."""
    file = matrix.folder / "outcomes.jsonl"
    known = {o.pair: o for o in outcomes(file)}
    todo = [pair for pair in wanted if given.only or str(pair) not in known]
    say(f"{len(wanted)} pairs, {len(todo)} of them to be met; everything is in {matrix.folder}")
    for number, pair in enumerate(todo, 1):
        if given.seconds and time.monotonic() - began > given.seconds:
            break
        outcome = known[str(pair)] = matrix.meet(pair)
        with file.open("a") as out:
            print(json.dumps(dataclasses.asdict(outcome)), file=out)
        word = "LOST" if outcome.problems else "ok"
        say(f"{number}/{len(todo)}  {outcome.seconds:5.1f} s  {word}  {pair}")
        for problem in outcome.problems:
            say(f"    {problem}")
        if outcome.problems:
            say(f"    again: {pair.replay}")
    return told(file.with_name("result.json"), [known[str(p)] for p in wanted if str(p) in known])


def wanted_pairs(given: argparse.Namespace) -> list[Pair]:
    """The pairs that the options ask for, those of every job and kind early."""
    number, parts = map(int, given.part.split("/"))
    among = pairs(given.kinds.split(","), given.jobs.split(","))
    if given.only:
        return [pair for pair in among if str(pair) == given.only] or sys.exit(f"There is no {given.only}.")
    beginnings = tuple(given.steps.split(","))
    among = [pair for pair in among if pair.point.step.startswith(beginnings)]
    return chosen(len(among), given.seed, among)[number - 1 :: parts]


def told(file: Path, done: list[Outcome]) -> int:
    """Say in a line, and write, what became of all; the exit code."""
    lost = [outcome for outcome in done if outcome.problems]
    result = Result("faults", len(done), len(lost), round(sum(o.seconds for o in done), 1))
    file.write_text(json.dumps(dataclasses.asdict(result)))
    mixed, gone = (sum(getattr(o, name) for o in done) for name in ("mixed", "gone"))
    say(f"{result.tried} pairs met, {result.lost} lost, {result.seconds:.0f} s in all")
    say(f"readers of several newest versions saw tables that do not belong together: {mixed} times")
    say(f"the newest point could not be read for a while: {gone} times")
    return 1 if lost else 0


def outcomes(file: Path) -> list[Outcome]:
    """What earlier processes have met."""
    if not file.exists():
        return []
    return [Outcome(**json.loads(line)) for line in file.read_text().splitlines()]


say: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731

if __name__ == "__main__":
    sys.exit(main())
