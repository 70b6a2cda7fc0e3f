"""The whole fault matrix, by hand: `make faults`. A process that ends early is gone on with.

python -m tests.reliability.faults                         every pair of failpoint and fault
python -m tests.reliability.faults --only "load: before commit ops/loads #1 (kill)"
python -m tests.reliability.faults --record                write failpoints.yaml anew, for review
python -m tests.reliability.faults --seconds 250 --kinds kill --part 1/2
"""

import argparse
import sys
import time

import yaml

from spark_jobs.lake.session import start_session, stop_session
from spark_jobs.settings import Settings
from tests.reliability.faults.matrix import TREE, Matrix, Outcome
from tests.reliability.faults.pairs import KINDS, NAME, REVIEWED, Pair, chosen, pairs
from tests.reliability.faults.poller import Readers
from tests.reliability.faults.scenario import JOBS
from tests.reliability.resumable import folder_of, go_through, only, parser_of, part_of, say, told

_HEAD = """\
# The steps of each job, and how often each occurs in the scenario of the fault matrix. A fault comes before
# and after each. `python -m tests.reliability.faults --record` writes this file: look at what has changed.
"""


def options() -> argparse.Namespace:
    parser = parser_of("tests.reliability.faults", __doc__)
    parser.add_argument("--record", action="store_true", help="write the failpoints for review, and end")
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--steps", default="", help="only steps whose names begin with one of these")
    parser.add_argument("--seed", type=int, default=20231001, help="for the order of the pairs")
    return parser.parse_args()


def main() -> int:
    given = options()
    folder = folder_of(given, "faults-")
    settings = Settings(spark_log=folder / "spark.log", driver_memory="2g", compiler="c1")
    spark = start_session(settings, "faults")
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
    done = go_through(wanted, matrix.meet, Outcome, matrix.folder, given, began)
    tried = sum(outcome.tried for outcome in done)
    code = told(NAME, done, matrix.folder / "result.json", given.result, tried=tried)
    mixed, gone = (sum(getattr(o, name) for o in done) for name in ("mixed", "gone"))
    say(f"readers of several newest versions saw tables that do not belong together: {mixed} times")
    say(f"the newest point could not be read for a while: {gone} times")
    return code


def wanted_pairs(given: argparse.Namespace) -> list[Pair]:
    """The pairs that the options ask for, those of every job and kind early."""
    among = pairs(given.kinds.split(","), given.jobs.split(","))
    if given.only:
        return only(among, given.only)
    beginnings = tuple(given.steps.split(","))
    among = [pair for pair in among if not pair.point or pair.point.step.startswith(beginnings)]
    return part_of(chosen(len(among), given.seed, among), given.part)


if __name__ == "__main__":
    sys.exit(main())
