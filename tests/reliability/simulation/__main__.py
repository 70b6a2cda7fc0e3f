"""Runs seeds of the simulation from the command line: `make simulation`."""

import argparse
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tests.reliability.simulation.drivers import simulate
from tests.reliability.simulation.invariants import SENTENCES
from tests.reliability.simulation.log_store import missing, simulate_log_store
from tests.reliability.simulation.result import Result, Tried, as_json, story

JOBS, LOG_STORE = "jobs", "log-store"
SEED = int(os.environ.get("MLB_SEED", "20231001"))
SEEDS = int(os.environ.get("MLB_SEEDS", "1000"))

_ABOUT = """\
Tries the protocol that this project owns on many seeds: several jobs beside each other over a fake store
that loses answers, sends twice, delays, throttles and lists what is old, with runs killed at any step and
run again. A seed gives the same trace wherever it is run.

  --part jobs        a model of ingest, etl, load, aggregate, recover, erase, restore and reprocess, step by
                     step as spark_jobs/jobs has them
  --part log-store   the real class java/mlb/storage/S3ConditionalLogStore.java over a fake file system
                     (needs javac and the jars of make setup-s3)
"""


def main() -> int:
    """Run what the command line asks for; 1 where an invariant does not hold."""
    arguments = _arguments()
    parts = [arguments.part] if arguments.part else [JOBS, LOG_STORE]
    if LOG_STORE in parts and (lacking := missing()):
        print(f"simulation: {lacking} Without it: --part {JOBS}.", file=sys.stderr)
        return 2
    results = [_run(part, arguments) for part in parts]
    if arguments.json:
        Path(arguments.json).write_text(as_json(results) + "\n")
    return int(any(result.lost for result in results))


def _arguments() -> argparse.Namespace:
    sentences = "\n".join(f"  {sentence}" for sentence in SENTENCES.values())
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability.simulation",
        description=_ABOUT,
        epilog=f"What must hold:\n{sentences}\n\nExit codes: 0 all holds, 1 something does not, 2 usage.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--part", choices=(JOBS, LOG_STORE), help="one half alone  [default: both]")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many (MLB_SEEDS)  [%(default)s]")
    parser.add_argument(
        "--from", dest="first", type=int, default=SEED, help="the first (MLB_SEED)  [default: %(default)s]"
    )
    parser.add_argument("--bug", action="append", default=[], help="plant a bug of the model, by its name")
    parser.add_argument("--trace", action="store_true", help="print the traces")
    parser.add_argument("--json", metavar="FILE", help="write the result there, too")
    return parser.parse_args()


def _run(part: str, arguments: argparse.Namespace) -> Result:
    result, started = Result(f"simulation of the {part.replace('-', ' ')}"), time.monotonic()
    for outcome in outcomes(part, arguments.first, arguments.seeds, frozenset(arguments.bug)):
        result.add(outcome)
        if arguments.trace:
            print("\n".join(outcome.trace))
        if outcome.violations:
            print(story(outcome, part))
    result.seconds = round(time.monotonic() - started, 1)
    print(result.as_line())
    return result


def outcomes(part: str, first: int, seeds: int, bugs: frozenset[str] = frozenset()) -> Iterable[Tried]:
    """What each seed of a part comes to."""
    if part == LOG_STORE:
        return simulate_log_store(first, seeds)
    return (simulate(seed, bugs) for seed in range(first, first + seeds))


if __name__ == "__main__":
    sys.exit(main())
