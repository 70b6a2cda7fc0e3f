"""What a run has written, from the commits that it signed."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.storage import read_file
from spark_jobs.lake.tables import Table

#: Where the metrics of Delta's operations say how many rows were written; a commit without is of none.
_ROWS_OF_A_MERGE = ("numTargetRowsInserted", "numTargetRowsUpdated")
_ROWS = "numOutputRows"


@dataclass(frozen=True)
class Files:
    """Files, and their bytes in all."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: "Files") -> "Files":
        return Files(self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True)
class Written:
    """Rows inserted or updated, files added for them, and files taken away in their place."""

    rows: int = 0
    added: Files = Files()
    removed: Files = Files()

    def __add__(self, other: "Written") -> "Written":
        return Written(self.rows + other.rows, self.added + other.added, self.removed + other.removed)


def written_by(lake: Lake, signature: str, names: Iterable[str]) -> dict[str, Written]:
    """What the lake's commits with a signature have written into tables of some names, by name.

    No other table's commits are read: one that was rebuilt beside a live one may be gone again.
    """
    chosen = set(names)
    made = {(table.name, version): table for table, version in lake.commits if table.name in chosen}
    written: dict[str, Written] = defaultdict(Written)
    for (name, version), table in made.items():
        written[name] += written_in(actions_of(lake, table, version), signature)
    return written


def actions_of(lake: Lake, table: Table, version: int) -> list[dict[str, Any]]:
    """A commit's actions, as Delta's log has them."""
    content = read_file(lake.spark, f"{lake.path(table)}/_delta_log/{version:020}.json")
    return [json.loads(line) for line in content.splitlines() if line.strip()]


def moved_by_others(
    lake: Lake, table: Table, since: int, signature: str = "", partitions: Iterable[str] | None = None
) -> bool:
    """Whether commits with another signature have changed rows after a version (in some partitions).

    A compaction changes no row. A commit that the log no longer tells of counts as one that did.
    """
    chosen = None if partitions is None else set(partitions)
    for version in range(max(since, -1) + 1, lake.version(table) + 1):
        try:
            actions = actions_of(lake, table, version)
        except (OSError, Py4JJavaError):
            return True
        if _signature(actions) != signature and _changes_rows(actions, chosen):
            return True
    return False


def changed_partitions(lake: Lake, table: Table, since: int) -> set[str] | None:
    """In which partitions of a table, of one column, rows have changed after a version.

    None where the log no longer tells, or tells of a row in no partition.
    """
    changed: set[str | None] = set()
    for version in range(max(since, -1) + 1, lake.version(table) + 1):
        try:
            files = _changed_files(actions_of(lake, table, version))
        except (OSError, Py4JJavaError):
            return None
        for file in files:
            changed.update((file.get("partitionValues") or {"": None}).values())
    return None if None in changed else {value for value in changed if value is not None}


def _signature(actions: Iterable[dict[str, Any]]) -> str | None:
    return next((a["commitInfo"].get("userMetadata") for a in actions if "commitInfo" in a), None)


def _changes_rows(actions: Iterable[dict[str, Any]], partitions: set[str] | None) -> bool:
    return any(
        partitions is None or not partitions.isdisjoint((file.get("partitionValues") or {}).values())
        for file in _changed_files(actions)
    )


def _changed_files(actions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    files = (action.get("add") or action.get("remove") for action in actions)
    return [file for file in files if file and file["dataChange"]]


def written_in(actions: Iterable[dict[str, Any]], signature: str) -> Written:
    """What one commit has written: nothing where it is another's.

    A file that is removed and added again, with other rows marked as deleted, is neither.
    """
    rows = 0
    added: dict[str, int] = {}
    removed: dict[str, int] = {}
    for action in actions:
        if "commitInfo" in action:
            if action["commitInfo"].get("userMetadata") != signature:
                return Written()
            rows = _rows(action["commitInfo"].get("operationMetrics") or {})
        for name, into in (("add", added), ("cdc", added), ("remove", removed)):
            if name in action:
                into[action[name]["path"]] = action[name].get("size") or 0
    return Written(rows, _sum_without(added, removed), _sum_without(removed, added))


def _rows(metrics: dict[str, str]) -> int:
    # A MERGE's numOutputRows counts rows that were only copied, too.
    names = _ROWS_OF_A_MERGE if _ROWS_OF_A_MERGE[0] in metrics else (_ROWS,)
    return sum(int(metrics.get(name, 0)) for name in names)


def _sum_without(files: dict[str, int], others: dict[str, int]) -> Files:
    sizes = [size for path, size in files.items() if path not in others]
    return Files(len(sizes), sum(sizes))
