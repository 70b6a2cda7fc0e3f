"""What a run has written into a table, from the commits that it signed."""

import json
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.storage import read_file
from spark_jobs.lake.tables import Table

#: Where the metrics of Delta's operations say what was written; what a commit does not say counts as none.
_METRICS = {
    "rows": ("numOutputRows", "numTargetRowsInserted", "numTargetRowsUpdated"),
    "bytes": ("numOutputBytes", "numTargetBytesAdded", "numAddedBytes"),
    "files": ("numFiles", "numTargetFilesAdded", "numAddedFiles"),
}
#: So many commits of others, at most, are passed over on the way to the run's own.
_MOST_OTHERS = 2


@dataclass(frozen=True)
class Written:
    """Rows inserted or updated, and the size in bytes and number of the files that were added for them."""

    rows: int = 0
    bytes: int = 0
    files: int = 0


def written_by(lake: Lake, table: Table, signature: str, newest: int) -> Written:
    """What the commits with a signature have written, up to the version `newest`.

    A run's commits to a table follow each other, but for those of others that came between.
    """
    total, others, version = Written(), 0, newest
    while version >= 0 and others <= _MOST_OTHERS:
        commit = _commit_info(lake, table, version)
        if commit.get("userMetadata") == signature:
            total, others = _sum(total, commit.get("operationMetrics") or {}), 0
        else:
            others += 1
        version -= 1
    return total


def _sum(total: Written, metrics: dict[str, str]) -> Written:
    if "numTargetRowsInserted" in metrics:
        # A MERGE's numOutputRows counts rows that were only copied, too.
        metrics = {name: value for name, value in metrics.items() if name != "numOutputRows"}
    added = {kind: sum(int(metrics.get(name, 0)) for name in names) for kind, names in _METRICS.items()}
    return Written(**{kind: getattr(total, kind) + count for kind, count in added.items()})


def actions_of(lake: Lake, table: Table, version: int) -> list[dict[str, Any]]:
    """A commit's actions, as Delta's log has them."""
    content = read_file(lake.spark, f"{lake.path(table)}/_delta_log/{version:020}.json")
    return [json.loads(line) for line in content.splitlines() if line.strip()]


def _commit_info(lake: Lake, table: Table, version: int) -> dict[str, Any]:
    try:
        actions = actions_of(lake, table, version)
    except (OSError, Py4JJavaError):  # Delta has cleaned it up: it is older than this run
        return {}
    return next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
