"""Some races of two jobs on one lake, and that every pair of them is in the list; `make races` runs all."""

import itertools
from collections import Counter

import pytest
from pyspark.sql import SparkSession

from tests.reliability.faults.steps import BEFORE, Failpoint
from tests.reliability.races.meeting import COMMIT, IN_TURN, PLACES, READ, WRITE, Meeting, places
from tests.reliability.races.races import Race, Races, races

WANTED = ("load", "aggregate", "recover", "reprocess", "restore", "erase", "maintain")
QUICK = (
    "load × load of another day in turn",
    "load × recover at write",
    "aggregate × aggregate at commit",
    "load × maintain at commit",
)


@pytest.fixture(scope="module")
def lakes(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Races:
    return Races(tmp_path_factory.mktemp("races"), spark)


def test_every_pair_meets_at_every_place() -> None:
    """A job beside itself, too."""
    found = {(frozenset((r.one.name, r.two.name)), r.where) for r in races()}
    for pair in itertools.combinations_with_replacement(WANTED, 2):
        for where in PLACES:
            assert (frozenset(pair), where) in found, (pair, where)
    assert not [name for name, times in Counter(map(str, races())).items() if times > 1]


def test_places() -> None:
    load = {"read ops/loads": 1, "read silver/employees": 1, "commit silver/employees": 1}
    recover = {**load, "commit quarantine/employees": 1, "commit rebuild/silver/employees": 1}
    aggregate = {"read silver/employees": 1, "read changes of silver/employees": 1, "commit gold/x": 1}
    assert places(load, aggregate, READ)[0].steps == {
        "read silver/employees",
        "read changes of silver/employees",
    }
    assert places(load, recover, WRITE)[1].steps == {
        "commit silver/employees",
        "commit quarantine/employees",
    }
    for place in places(load, recover, COMMIT):
        assert place.steps == {"commit silver/employees"}
    before, after = places(load, aggregate, IN_TURN)
    assert before.steps == {"commit silver/employees"} and after.steps == {"commit gold/x"}


def test_nobody_waits_for_one_who_has_ended() -> None:
    steps = {"read x": 1, "commit x": 1}
    meeting = Meeting(places(steps, steps, IN_TURN), in_turn=True)
    meeting.end(0)
    meeting.watch(1)(Failpoint("commit x", 1, BEFORE))
    assert not meeting.met


@pytest.mark.parametrize("race", [race for race in races() if str(race) in QUICK], ids=str)
def test_raced_and_run_again(lakes: Races, race: Race) -> None:
    outcome = lakes.meet(race)
    assert not outcome.problems, "\n".join([*outcome.problems, f"Again: {race.replay}"])
    assert outcome.met


def test_the_quick_ones_are_there() -> None:
    assert set(QUICK) <= set(map(str, races()))
