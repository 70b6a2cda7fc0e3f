"""A part of the fault matrix: each job met by an exception and a `kill -9` at places from a seed, and by a
delay, and the disk that a kill leaves, at every place.

After a plain rerun all is as if nothing had happened, and readers beside it have seen nothing that no
finished run has published. MLB_SEED and MLB_FAULTS choose other pairs and more of them; `make faults`
meets all.
"""

import os
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from tests.reliability.faults.matrix import TREE, Matrix
from tests.reliability.faults.pairs import KINDS, Pair, chosen, failpoints, pairs, reviewed
from tests.reliability.faults.poller import Readers
from tests.reliability.faults.scenario import JOBS
from tests.reliability.faults.steps import AFTER, BEFORE

#: Several with commas: what one process prepares serves all of them.
SEEDS = [int(seed) for seed in os.environ.get("MLB_SEED", "20231001").split(",")]
NUMBER = int(os.environ.get("MLB_FAULTS", "32"))
PART = list(dict.fromkeys(pair for seed in SEEDS for pair in chosen(NUMBER, seed, pairs())))
#: What the matrix was asked to have at least.
FEWEST = 54
WANTED = {"ingest", "etl", "load", "aggregate", "recover", "reprocess", "erase", "maintain"}


@pytest.fixture(scope="module")
def matrix(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    readers = Readers(TREE)
    made = Matrix(tmp_path_factory.mktemp("faults"), spark, readers)
    made.prepare()
    yield made
    readers.stop()


def test_every_job_has_failpoints_before_and_after_what_it_does() -> None:
    known = {job: failpoints(steps) for job, steps in reviewed().items()}
    assert set(known) == WANTED == set(JOBS)
    assert sum(map(len, known.values())) >= FEWEST
    for job, points in known.items():
        steps = {point.step.split()[0] for point in points}
        assert {"read", "commit", "ledger"} <= steps, job
        assert {point.when for point in points} == {BEFORE, AFTER}


def test_a_part_has_each_job_and_each_kind_of_fault() -> None:
    part = chosen(len(WANTED) * len(KINDS), SEEDS[0], pairs())
    assert {(pair.job, pair.kind) for pair in part} == {(job, kind) for job in WANTED for kind in KINDS}
    assert sorted(map(str, chosen(10**6, SEEDS[0], pairs()))) == sorted(map(str, pairs()))


def test_the_jobs_have_no_other_steps_than_those_reviewed(matrix: Matrix) -> None:
    assert matrix.steps == reviewed(), (
        "A job has gained or lost a step: look at what it is, and write the file anew with "
        "`python -m tests.reliability.faults --record`."
    )


@pytest.mark.parametrize("pair", PART, ids=str)
def test_met_and_run_again(matrix: Matrix, pair: Pair) -> None:
    outcome = matrix.meet(pair)
    assert not outcome.problems, "\n".join([*outcome.problems, f"Again: {pair.replay}"])
