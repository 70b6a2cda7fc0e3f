"""What a lake holds, read without Spark: contents as hashes, what is published, what must be the same.

The readers of the fault matrix, and what judges a lake at its end, share no code with what wrote it.
"""

import datetime as dt
import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from metrics_exporter.lake import Rows, columns_of, query
from spark_jobs.ledger import deliveries

RUNS = "ops/runs"
#: What a rerun may change: times of runs, their ids, and what is made of these.
_OF_THE_RUN = {
    "_ingested_at",
    "attempt_id",
    "at",
    "erased_at",
    "run_id",
}
_TELL = ("etl", "load", "reprocess", "restore", "erase")
_BAD_DELIVERY = 3


def opened(lake: Path, name: str, version: int | None = None) -> DeltaTable:
    """A table at a version, by default its newest."""
    return DeltaTable(str(lake / name), version=version)


def content(table: DeltaTable) -> str:
    """A hash of a table's rows, whatever their order, and how many they are."""
    kept = sorted(columns_of(table) - _OF_THE_RUN)
    rows = query(table, f"SELECT {', '.join(kept)} FROM t")
    lines = sorted(json.dumps(_plain(row), sort_keys=True, default=str) for row in rows)
    return f"{len(lines)} rows {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:16]}"


def _plain(value: Any) -> Any:
    """A value in which the order of a map's entries says nothing."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        parts = [_plain(part) for part in value]
        # A map comes as a list of pairs.
        return sorted(parts, key=str) if parts and all(isinstance(p, tuple) for p in value) else parts
    return value


def tables_of(lake: Path, *folders: str) -> list[str]:
    """The names of the tables in the lake, or in some of its folders."""
    logs = (log for folder in folders or (".",) for log in (lake / folder).glob("**/_delta_log"))
    return sorted(str(log.parent.relative_to(lake)) for log in logs)


def newest_point(lake: Path) -> dict[str, int] | None:
    """The versions that the newest run that has published says belong together."""
    rows = query(
        opened(lake, RUNS),
        "SELECT point FROM t WHERE point IS NOT NULL AND outcome = 'succeeded' "
        "ORDER BY finished_at DESC LIMIT 1",
    )
    return dict(rows[0]["point"]) if rows else None


@dataclass(frozen=True)
class State:
    """A lake at rest: `whole` is all that must be the same, `newest` what readers of each table see, and
    `published` what readers see who keep to the newest point of the ledger.

    `needless` counts data files that the newest version does not need: any number of them may be, but in
    a lake that was purged.
    """

    whole: dict[str, str]
    newest: dict[str, str]
    published: dict[str, str]
    needless: dict[str, int]


#: The folders whose tables people read, and those of which an erasure leaves no old file.
READ = ("silver", "gold")
PURGED = ("bronze", "staging", "quarantine", "silver")
_OLD = 35 * 24 * 3600


def state_of(folder: Path) -> State:
    """The state of a lake and its landing zone."""
    lake = folder / "lake"
    whole, newest, needless = {}, {}, {}
    for name in tables_of(lake):
        table = opened(lake, name)
        if name != RUNS:
            whole[name] = content(table)
        if name.startswith(READ):
            newest[name] = whole[name]
        if name.startswith(PURGED):
            needless[name] = len([*(lake / name).rglob("*.parquet")]) - len(table.file_uris())
        properties = {key: value for key, value in table.metadata().configuration.items() if value}
        whole[f"properties of {name}"] = json.dumps(properties, sort_keys=True)
    whole["landing"] = _files(folder / "landing")
    whole["old files"] = str(_old_files(lake))
    whole["ledger"] = _ledger(query(opened(lake, RUNS), "SELECT * FROM t"))
    return State(whole, newest, _published_if_readable(lake), needless)


def published_in(lake: Path) -> dict[str, str]:
    """The contents of Silver and Gold at the newest point."""
    point = newest_point(lake) or {}
    return {name: content(opened(lake, name, at)) for name, at in point.items() if name.startswith(READ)}


def _published_if_readable(lake: Path) -> dict[str, str]:
    try:
        return published_in(lake)
    except Exception as error:
        return {"unreadable": f"{type(error).__name__}: {error}"}


def _old_files(lake: Path) -> list[str]:
    """Data files older than anything that this lake has done."""
    before = time.time() - _OLD
    return sorted(f.name for f in lake.rglob("*.parquet") if f.stat().st_mtime < before)


def _files(folder: Path) -> str:
    """The files of a folder, hidden ones too, with their contents."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return json.dumps(
        {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest()[:16] for f in files}
    )


def _ledger(runs: Rows) -> str:
    """What the ledger says in the end: which jobs have succeeded, and what it tells of each delivery.

    How many runs that took is no part of it, nor what each of them counted.
    """
    done = sorted({f"{run['job']} {run['delivery_date']}" for run in runs if run["outcome"] == "succeeded"})
    told = deliveries(_that_tell(runs))
    return json.dumps({"done": done, "told": {str(day): said for day, said in told.items()}})


def _that_tell(runs: Rows) -> Iterable[Mapping[str, Any]]:
    chosen = (
        {**run, "rows": dict(run["rows"] or {}), "delivery_date": _date(run["delivery_date"])}
        for run in runs
        if run["job"] in _TELL and (run["outcome"] == "succeeded" or run["exit_code"] == _BAD_DELIVERY)
    )
    return sorted(chosen, key=lambda run: run["finished_at"])


def _date(value: Any) -> dt.date | None:
    return value if value is None or isinstance(value, dt.date) else dt.date.fromisoformat(str(value))
