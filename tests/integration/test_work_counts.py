"""A guard of what one fixed delivery costs, in counts that do not wobble; never in seconds.

The limits stand in work_limits.yaml beside this file. Whoever makes a stage cheaper lowers them there;
whoever must make one dearer raises them, and says why in the commit.
"""

import datetime as dt
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
import yaml

from benchmarks.delta_log import work_of
from benchmarks.spark_work import now, work_since
from spark_jobs.gold import GOLD
from spark_jobs.sample_feed import write_sample_feed
from tests.lakes import TestLake

LIMITS = yaml.safe_load(Path(__file__).with_name("work_limits.yaml").read_text())
BEFORE = (dt.date(2023, 10, 1), dt.date(2023, 10, 2))
#: July 2014: corrections, moves and a salary review, of one season.
MEASURED = dt.date(2023, 10, 3)


@dataclass
class Cost:
    """What a stage did: Spark's counts, and the work of its commits, all tables of the lake together."""

    spark: dict[str, int]
    tables: dict[str, int]

    @property
    def counts(self) -> dict[str, int]:
        return {**self.spark, **self.tables}


@pytest.fixture(scope="module")
def costs(module_lake, tmp_path_factory) -> dict[str, Cost]:
    landing = tmp_path_factory.mktemp("feed")
    write_sample_feed(landing, teams=frozenset({"NYA", "BOS"}))
    lake: TestLake = module_lake(landing=landing)
    for day in BEFORE:
        lake.succeed(day=day)
    measured = {stage: _cost(lake, stage) for stage in ("ingest", "etl", "load", "aggregate")}
    return measured | {f"{stage} again": _cost(lake, stage) for stage in measured}


def _cost(lake: TestLake, stage: str) -> Cost:
    moment, before = now(lake.spark), _versions(lake)
    lake.succeed(stage, day=MEASURED)
    work = asdict(work_since(lake.spark, moment))
    tables = [asdict(work_of(table, before.get(table, -1))) for table in _versions(lake)]
    return Cost(work, {count: sum(table[count] for table in tables) for count in tables[0]})


def _versions(lake: TestLake) -> dict[Path, int]:
    """The newest version of every table in the lake's folder, the platform's own among them."""
    logs = Path(lake.lake.root).rglob("_delta_log")
    return {log.parent: max(int(commit.stem) for commit in log.glob("*.json")) for log in logs}


def test_all_tables_are_watched(costs: dict[str, Cost]) -> None:
    # A delivery that commits to nothing would keep every limit.
    assert costs["load"].tables["commits"] >= 3
    assert costs["aggregate"].tables["commits"] >= len(GOLD) - 1


@pytest.mark.parametrize("stage", LIMITS)
def test_a_stage_keeps_its_limits(costs: dict[str, Cost], stage: str) -> None:
    counts = costs[stage].counts
    over = {name: (counts[name], limit) for name, limit in LIMITS[stage].items() if counts[name] > limit}
    assert not over, f"{stage} costs more than recorded (count, limit): {over}. All counts: {counts}"


@pytest.mark.parametrize("stage", ("ingest", "etl", "load", "aggregate"))
def test_a_second_run_writes_nothing_but_its_row_in_the_ledger(costs: dict[str, Cost], stage: str) -> None:
    assert costs[f"{stage} again"].tables["commits"] == 1
