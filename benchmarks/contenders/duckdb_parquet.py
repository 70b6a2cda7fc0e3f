"""DuckDB over Parquet files: the seasons concerned are written again beside the old ones, which then go.

No table format: a reader in the moment of the swap sees neither, and nothing can be read as of yesterday.
"""

import shutil
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.agreed import plain_silver
from benchmarks.contenders import Parts
from benchmarks.contenders.batch_in_duckdb import connect, differs, drop_strangers, prepare, seasons
from benchmarks.oracle import SILVER, fingerprint_sql


def start(memory: str, log: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB."""
    return connect()


def deliver(db: duckdb.DuckDBPyConnection, bronze: Path, state: Path) -> Parts:
    """Write the batch's seasons again."""
    parts, silver = Parts(), plain_silver(state)
    with parts.part("batch"):
        prepare(db, bronze)
    if not silver.exists():
        with parts.part("write"):
            _write(db, "SELECT * FROM batch", silver)
        return parts
    with parts.part("strangers"):
        drop_strangers(db, _files(silver))
    with parts.part("rewrite"):
        concerned = seasons(db)
        columns = ", ".join(f"s.{name}" for name in SILVER)
        old = f"(SELECT * FROM {_files(silver)} WHERE season IN ({', '.join(map(str, concerned))})) s"
        joined = "ON s.employee_id = b.employee_id AND s.season = b.season AND s.team_id = b.team_id"
        newer = f"b.employee_id IS NOT NULL AND b.updated_at > s.updated_at AND ({differs('b', 's')})"
        updated = f"SELECT b.* FROM batch b JOIN {old} {joined} WHERE {newer}"
        kept = f"SELECT {columns} FROM {old} LEFT JOIN batch b {joined} WHERE NOT coalesce({newer}, false)"
        inserted = f"SELECT b.* FROM batch b ANTI JOIN {old} {joined}"
        fresh = silver.with_name("silver.new")
        _write(db, f"{kept} UNION ALL {updated} UNION ALL {inserted}", fresh)
        for season in concerned:
            place = silver / f"season={season}"
            shutil.rmtree(place, ignore_errors=True)
            (fresh / place.name).rename(place)
    return parts


def _write(db: duckdb.DuckDBPyConnection, rows: str, folder: Path) -> None:
    in_utc = f"SELECT * REPLACE (CAST(updated_at AS TIMESTAMPTZ) AS updated_at) FROM ({rows})"
    db.execute(f"COPY ({in_utc}) TO '{folder}' (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (season))")


def _files(silver: Path) -> str:
    return f"read_parquet('{silver}/season=*/*.parquet', hive_partitioning = true)"


def silver(db: duckdb.DuckDBPyConnection, state: Path) -> list[Any]:
    """Silver's fingerprint."""
    return db.execute(fingerprint_sql(_files(plain_silver(state)), spark=False)).fetchall()
