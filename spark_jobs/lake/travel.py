"""Time travel: which versions a table has had, which of them can still be read, and what lies between two.

A version can be read as long as the transaction log still tells of it, and every file that it is made of is
still there. Delta finds out about the second while it reads, after half the work: here it is known
before anything is touched.
"""

import base64
import datetime as dt
import json
import urllib.parse
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from delta.tables import DeltaTable
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from spark_jobs.errors import UsageError
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.storage import walk_files
from spark_jobs.lake.tables import Table

#: Where the commit metrics of Delta's operations say how many rows were touched, and how.
_METRICS = {
    "inserted": ("numTargetRowsInserted",),
    "updated": ("numTargetRowsUpdated", "numUpdatedRows"),
    "deleted": ("numTargetRowsDeleted", "numDeletedRows"),
    "output": ("numOutputRows",),
}
#: The digits in which Delta writes a deletion vector's UUID (Z85), and the ones that Python knows.
_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_B85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_UUID_DIGITS = 20


@dataclass(frozen=True)
class Version:
    """A commit: `rows` by what became of them; job, delivery and run as the commit is signed, if it is."""

    number: int
    at: dt.datetime
    operation: str
    rows: dict[str, int]
    job: str | None
    delivery_date: str | None
    run_id: str | None


def versions(lake: Lake, table: Table, limit: int | None = None) -> list[Version]:
    """The versions that the table's log still tells of (the newest `limit` of them), the newest first."""
    history = DeltaTable.forPath(lake.spark, lake.path(table)).history(limit)
    # As a number, since timestamps are collected in the time zone of this machine.
    at = F.unix_micros("timestamp").alias("micros")
    rows = history.select("version", at, "operation", "operationMetrics", "userMetadata").collect()
    return [_version(row) for row in rows]


def _version(row: Any) -> Version:
    metrics = row["operationMetrics"] or {}
    rows = {
        name: int(metrics[metric])
        for name, candidates in _METRICS.items()
        for metric in candidates
        if metric in metrics
    }
    try:
        signed = json.loads(row["userMetadata"] or "{}")
    except ValueError:
        signed = {}
    return Version(
        number=row["version"],
        at=utc(row["micros"]),
        operation=row["operation"],
        rows=rows,
        job=signed.get("job"),
        delivery_date=signed.get("delivery_date"),
        run_id=signed.get("run_id"),
    )


def utc(micros: int) -> dt.datetime:
    """A time from microseconds since 1970."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)


def stamp(at: dt.datetime) -> str:
    """A time as people give it back to a command: in ISO 8601, never earlier than it was."""
    up = at + dt.timedelta(microseconds=-at.microsecond % 1000)
    return f"{up:%Y-%m-%dT%H:%M:%S}.{up.microsecond // 1000:03}Z"


def version_at(lake: Lake, table: Table, at: dt.datetime) -> int:
    """The version that the table had at a time. Raises UsageError for a time before its oldest."""
    known = versions(lake, table)
    past = [version.number for version in known if version.at <= at]
    if not past:
        oldest = known[-1]
        raise UsageError(
            f"{table.name} has no version of {stamp(at)}: the oldest that its log tells of is "
            f"{oldest.number}, of {stamp(oldest.at)}."
        )
    return max(past)


def check_version(lake: Lake, table: Table, version: int) -> None:
    """Raise UsageError where the table has never had the version."""
    newest = lake.version(table)
    if newest < 0:
        raise UsageError(f"There is no {table.name} yet.")
    if not 0 <= version <= newest:
        raise UsageError(f"{table.name} has no version {version}: its versions are 0 to {newest}.")


def check_reachable(lake: Lake, wanted: Sequence[tuple[Table, int]], instead: Callable[[], str]) -> None:
    """Raise UsageError where one of the tables can no longer be read at its version.

    `instead` says what can be done in place of it. A version below zero is that of a table that was not
    there: it reads as empty.
    """
    for table, version in wanted:
        why = why_unreachable(lake, table, version)
        if why:
            raise UsageError(
                f"{table.name} can no longer be read at version {version}, since {why}; {instead()} "
                "Nothing was changed."
            )


def why_unreachable(
    lake: Lake, table: Table, version: int, there: frozenset[str] | None = None
) -> str | None:
    """Why the table can no longer be read at a version; None where it can.

    `there` are the files of the table's folder, for who has listed them.
    """
    if version < 0:
        return None
    try:
        oldest = int(lake.log(table).history().getEarliestRecreatableCommit())
        if version < oldest:
            return f"its transaction log before version {oldest} has been cleaned up"
        needed = _needed_files(lake, table, version)
    except (Py4JError, PySparkException):
        return "its transaction log has gaps"
    missing = needed - (_files_there(lake, table) if there is None else there)
    if missing:
        return f"{len(missing)} of its {len(needed)} files have been removed (VACUUM)"
    return None


def oldest_reachable(lake: Lake, table: Table) -> int | None:
    """The oldest version of an append-only table that can be read; None where not even the newest can.

    Such a table loses files only by a purge, which makes all versions before it unreadable: so there is one
    version from which on all can be read.
    """
    newest = lake.version(table)
    there = _files_there(lake, table)
    if newest < 0 or why_unreachable(lake, table, newest, there):
        return None
    unreadable, readable = -1, newest
    while readable - unreadable > 1:
        middle = (unreadable + readable) // 2
        if why_unreachable(lake, table, middle, there):
            unreadable = middle
        else:
            readable = middle
    return readable


def _files_there(lake: Lake, table: Table) -> frozenset[str]:
    """The files under the table's folder, as paths within it."""
    folder = lake.path(table)
    return frozenset(file.path.partition(f"{folder}/")[2] for file in walk_files(lake.spark, folder))


def _needed_files(lake: Lake, table: Table, version: int) -> frozenset[str]:
    """The data files and deletion vectors that the table is made of at a version."""
    columns = ("path", "deletionVector.storageType", "deletionVector.pathOrInlineDv")
    found = set()
    for row in lake.files(table, version).select(*columns).collect():
        found.add(urllib.parse.unquote(row["path"]))
        if row["storageType"] == "u":
            found.add(deletion_vector_file(row["pathOrInlineDv"]))
    return frozenset(found)


def deletion_vector_file(written: str) -> str:
    """The file of a deletion vector within its table, from how the log writes it (Delta's protocol)."""
    folder, digits = written[:-_UUID_DIGITS], written[-_UUID_DIGITS:]
    name = uuid.UUID(bytes=base64.b85decode(digits.translate(str.maketrans(_Z85, _B85))))
    return f"{folder}/deletion_vector_{name}.bin" if folder else f"deletion_vector_{name}.bin"
