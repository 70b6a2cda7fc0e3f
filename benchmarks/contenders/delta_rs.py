"""delta-rs: the batch made in DuckDB, merged into the Delta table by `deltalake`, without a JVM."""

from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable, write_deltalake

from benchmarks.agreed import plain_silver
from benchmarks.contenders import Parts
from benchmarks.contenders.batch_in_duckdb import (
    CONTENT,
    KEY_COLUMNS,
    connect,
    drop_strangers,
    prepare,
    seasons,
)
from benchmarks.oracle import fingerprint_sql


def start(memory: str, log: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB for the batch."""
    return connect()


def deliver(db: duckdb.DuckDBPyConnection, bronze: Path, state: Path) -> Parts:
    """Merge the batch into Silver; the seasons as literals keep other files out."""
    parts, silver = Parts(), plain_silver(state)
    with parts.part("batch"):
        prepare(db, bronze)
    if not silver.exists():
        with parts.part("write"):
            write_deltalake(str(silver), _in_utc(db), partition_by=["season"])
        return parts
    with parts.part("strangers"):
        drop_strangers(db, _files(silver))
    with parts.part("merge"):
        literals = ", ".join(map(str, seasons(db)))
        on = [f"old.season IN ({literals})", *(f"new.{name} = old.{name}" for name in KEY_COLUMNS)]
        differ = " OR ".join(f"NOT (new.{name} IS NOT DISTINCT FROM old.{name})" for name in CONTENT)
        merge = DeltaTable(str(silver)).merge(
            _in_utc(db), " AND ".join(on), source_alias="new", target_alias="old"
        )
        merge.when_matched_update_all(
            f"new.updated_at > old.updated_at AND ({differ})"
        ).when_not_matched_insert_all().execute()
    return parts


def _in_utc(db: duckdb.DuckDBPyConnection) -> Any:
    """The batch with its times as Delta has them."""
    return db.sql(
        "SELECT * REPLACE (updated_at AT TIME ZONE 'UTC' AS updated_at) FROM batch"
    ).to_arrow_table()


def _files(silver: Path) -> str:
    files = ", ".join(f"'{uri.removeprefix('file://')}'" for uri in DeltaTable(str(silver)).file_uris())
    return f"read_parquet([{files}], hive_partitioning = true)"


def silver(db: duckdb.DuckDBPyConnection, state: Path) -> list[Any]:
    """Silver's fingerprint."""
    return db.execute(fingerprint_sql(_files(plain_silver(state)), spark=False)).fetchall()
