"""What must hold on a lake after a race and its reruns, whichever of the two came first."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metrics_exporter.lake import query
from spark_jobs.contracts.contract import read_contract
from spark_jobs.gold import GOLD
from spark_jobs.jobs.aggregate import SILVER_COLUMNS
from spark_jobs.jobs.unfinished import UNFINISHED
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import LOADS, MANIFEST, Table, dataset_tables
from spark_jobs.privacy.scan import scan
from spark_jobs.settings import CONTRACT
from tests.reliability.faults.reading import RUNS, State, opened

Point = tuple[tuple[str, int], ...]
#: Of the folder: other files may be old, and the ledger of a job that gave way tells of other runs.
_LEFT_OUT = ("ledger", "old files")


def compared(state: State) -> dict[str, str]:
    """All of a lake that must be as after one of the two orders."""
    told = json.dumps(json.loads(state.whole["ledger"])["told"], sort_keys=True)
    kept = {name: value for name, value in state.whole.items() if name not in _LEFT_OUT}
    return {**kept, "what the ledger tells of deliveries": told}


def at_once(state: State, gold: bool) -> dict[str, str]:
    """What of that must be so as soon as both jobs have succeeded.

    Gold may be of a Silver between two commits then, where Silver has changed: the next aggregate brings it
    up. What the ledger tells is of the job that ended last.
    """
    kept = {name: value for name, value in compared(state).items() if not name.startswith("what ")}
    return {name: value for name, value in kept.items() if gold or not name.startswith("gold/")}


def differing(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """What of two lakes is not the same, as sentences."""
    names = sorted({*found, *expected})
    return [
        f"{name}: {found.get(name)} in place of {expected.get(name)}"
        for name in names
        if found.get(name) != expected.get(name)
    ]


def twice(folder: Path) -> Iterator[str]:
    """Rows that stand in a table more than once: in Bronze, marks, and whatever else has a key."""
    tables = dataset_tables(read_contract(CONTRACT))
    for table in (*tables.all, *(gold for gold, _ in GOLD), MANIFEST, LOADS):
        key = ", ".join(table.key or ("_row_id",))
        if not (folder / "lake" / table.name / "_delta_log").exists():
            continue
        sql = f"SELECT {key}, count(*) AS times FROM t GROUP BY {key} HAVING count(*) > 1"
        yield from (f"{table.name} holds {row}" for row in query(opened(folder / "lake", table.name), sql))


def points_of(folder: Path) -> set[Point]:
    """The points of the ledger."""
    sql = "SELECT point FROM t WHERE point IS NOT NULL AND outcome = 'succeeded'"
    return {tuple(sorted(dict(row["point"]).items())) for row in query(opened(folder / "lake", RUNS), sql)}


def torn(spark: SparkSession, folder: Path, points: set[Point], purged: bool) -> Iterator[str]:
    """Points of which a table of Gold is not what its Silver gives; of a purged lake what can be read."""
    lake = Lake(spark, str(folder / "lake"))
    current = dataset_tables(read_contract(CONTRACT)).current
    for point in points:
        versions = dict(point)
        try:
            silver = lake.read(current, versions[current.name]).where(~F.col("is_deleted"))
            employments = silver.select(*SILVER_COLUMNS).localCheckpoint()
            for table, compute in GOLD:
                if _differ(compute(employments), lake.read(table, versions[table.name]), table):
                    yield f"{table.name} is not of the Silver of its point {versions}"
        except (PySparkException, Py4JError) as error:
            if not purged:
                yield f"The point {versions} cannot be read: {str(error)[:200]}"


def _differ(one: DataFrame, two: DataFrame, table: Table) -> bool:
    names = table.schema.names
    rows = (sorted(map(str, frame.select(*names).collect())) for frame in (one, two))
    return len({tuple(each) for each in rows}) > 1


def unfinished_in(folder: Path) -> str | None:
    """The command that has marked the lake and not come to its end."""
    return opened(folder / "lake", "staging/employees").metadata().configuration.get(UNFINISHED) or None


def still_there(spark: SparkSession, folder: Path, people: Sequence[str]) -> list[str]:
    """Where people who have been erased still stand, in files of lake and landing zone.

    Files that no commit has ever named are left out, as in the runbook of erase: `maintain` takes them.
    """
    if not people:
        return []
    result = scan(spark, [folder / "lake", folder / "landing"], people)
    found = sorted(
        f"{each.identifier} stands in {each.file}"
        for each in result.findings
        if not _never_committed(Path(each.file))
    )
    return [*found, *(f"{file} cannot be searched" for file in result.unreadable)]


def _never_committed(file: Path) -> bool:
    tables = [parent for parent in file.parents if (parent / "_delta_log").exists()]
    if file.suffix != ".parquet" or "_delta_log" in file.parts or not tables:
        return False
    return not any(file.name in log.read_text() for log in (tables[0] / "_delta_log").glob("*.json"))
