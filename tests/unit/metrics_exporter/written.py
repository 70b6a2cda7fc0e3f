"""A small lake as the jobs leave one, written by deltalake: ledger, loads, quarantine."""

import datetime as dt
from pathlib import Path
from typing import Any

from arro3.core import Schema
from deltalake import QueryBuilder, write_deltalake

START = dt.datetime(2023, 10, 2, 5, tzinfo=dt.UTC)
OLD = ("stages", "measures")


def select(sql: str) -> Any:
    """The rows of a query, as Arrow; every column may be null, as the jobs' may."""
    rows = QueryBuilder().execute(sql).read_all()
    return rows.with_schema(Schema([field.with_nullable(True) for field in rows.schema]))


def write(folder: Path, sql: str, **options: Any) -> None:
    """Append a query's rows to a table."""
    write_deltalake(str(folder), select(sql), mode="append", **options)


def map_of(values: dict[str, float] | None, kind: str) -> str:
    """SQL: a map, null where there is none."""
    if not values:
        # A map of no entries cannot be written as SQL: one whose condition is never true is null.
        return f"CASE WHEN false THEN map(['x'], [CAST(0 AS {kind})]) END"
    keys = ", ".join(f"'{name}'" for name in values)
    numbers = ", ".join(f"CAST({value} AS {kind})" for value in values.values())
    return f"map([{keys}], [{numbers}])"


def add_run(lake: Path, job: str, **given: Any) -> None:
    """A row of the ledger."""
    add_runs(lake, run_row(job, **given))


def add_runs(lake: Path, *rows: str) -> None:
    """Rows of the ledger, in one commit."""
    write(lake / "ops" / "runs", " UNION ALL ".join(rows), schema_mode="merge")


def run_row(job: str, *, without: tuple[str, ...] = (), **given: Any) -> str:
    """SQL: a row of the ledger; `without` are columns that an older release did not have."""
    run = {
        "day": dt.date(2023, 10, 1),
        "outcome": "succeeded",
        "exit_code": 0,
        "started_at": START,
        "seconds": 20.0,
        "dataset": "employees",
        "note": "",
        **given,
    }
    ended = run["started_at"] + dt.timedelta(seconds=run["seconds"])
    day = f"date '{run['day']}'" if run["day"] else "CAST(NULL AS date)"
    columns = {
        "run_id": "'0'",
        "job": f"'{job}'",
        "dataset": f"'{run['dataset']}'",
        "delivery_date": day,
        "outcome": f"'{run['outcome']}'",
        "exit_code": f"CAST({run['exit_code']} AS int)",
        "started_at": f"to_timestamp('{run['started_at'].isoformat()}')",
        "finished_at": f"to_timestamp('{ended.isoformat()}')",
        "seconds": f"CAST({run['seconds']} AS double)",
        "notes": f"['{run['note']}']",
        "error": f"'{run['note']}'",
    }
    for name in ("rows", "versions_read", "versions_written", "point"):
        columns[name] = map_of(run.get(name), "bigint")
    for name in OLD:
        columns[name] = map_of(run.get(name), "double")
    kept = [f"{sql} AS {name}" for name, sql in columns.items() if name not in without]
    return f"SELECT {', '.join(kept)}"


def add_refused(lake: Path, row_id: str, *codes: str, state: str = "open", day: str = "2023-10-01") -> None:
    """An entry of the quarantine, with its record in clear."""
    reasons = ", ".join(f"named_struct('code', '{c}', 'sentence', 'Salary of jeterde01')" for c in codes)
    sql = (
        f"SELECT '{row_id}' AS _row_id, 'row' AS kind, '{state}' AS state, [{reasons}] AS reasons, "
        f"'jeterde01 900-12-3456' AS record, date '{day}' AS _delivery_date"
    )
    write(lake / "quarantine" / "employees", sql, partition_by=["_delivery_date"])


def add_load(lake: Path, day: str) -> None:
    """A delivery given to Silver."""
    write(lake / "ops" / "loads", f"SELECT 'employees' AS dataset, date '{day}' AS _delivery_date")
