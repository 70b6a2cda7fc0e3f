"""Races of two jobs on one lake, by hand: `make races`. A process that ends early is gone on with.

Each pair of load, aggregate, recover, reprocess, restore, erase and maintain is started together on a copy
of a lake on which each has work, and steered to meet (meeting.py says at what moments). Then both are run
again, one after the other: all must be as after the same commands in one of the two orders.

    python -m tests.reliability.races                                    every pair at every place
    python -m tests.reliability.races --only "load x recover at commit"  one, as it is printed (or with ×)
    python -m tests.reliability.races --places commit --jobs load        some: at a place, and of a job
    python -m tests.reliability.races --folder F --seconds 250           some for now; F is gone on with

A pair that is lost is told with what was not as it should be, the folder in which its lake and its log lie,
and the command that does it again. Exit code 1 where any was lost.
"""

import argparse
import sys
import time

from spark_jobs.lake.session import start_session, stop_session
from spark_jobs.settings import Settings
from tests.reliability.races.meeting import PLACES
from tests.reliability.races.racers import RACERS
from tests.reliability.races.races import NAME, Outcome, Race, Races, races
from tests.reliability.resumable import folder_of, go_through, only, parser_of, part_of, say, told


def options() -> argparse.Namespace:
    parser = parser_of("tests.reliability.races", __doc__)
    names = ",".join(racer.name for racer in RACERS)
    parser.add_argument("--jobs", default=names, help="pairs with one of these  [default: %(default)s]")
    parser.add_argument("--places", default=",".join(PLACES), help="where  [default: %(default)s]")
    return parser.parse_args()


def main() -> int:
    given = options()
    wanted = wanted_races(given)
    folder = folder_of(given, "races-")
    began = time.monotonic()
    spark = start_session(Settings(spark_log=folder / "spark.log", driver_memory="2g"), "races")
    try:
        lakes = Races(folder, spark, say)
        done = go_through(wanted, lakes.meet, Outcome, folder, given, began)
    finally:
        stop_session(spark)
    code = told(NAME, done, folder / "result.json", given.result)
    say(f"both came to where they were to meet: {sum(o.met for o in done)} of {len(done)} times")
    say(f"one or both gave way, with a sentence: {sum(bool(o.said) for o in done)} times")
    return code


def wanted_races(given: argparse.Namespace) -> list[Race]:
    """The races that the options ask for."""
    if given.only:
        return only(races(), given.only.replace(" x ", " × "))
    jobs, where = set(given.jobs.split(",")), given.places.split(",")
    among = [r for r in races() if r.where in where and jobs & {r.one.name, r.two.name}]
    return part_of(among, given.part)


if __name__ == "__main__":
    sys.exit(main())
