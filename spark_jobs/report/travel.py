"""Versions, points and differences, printed as tables for a terminal."""

from collections.abc import Iterable, Sequence
from typing import Any

from pyspark.sql import SparkSession
from rich import box
from rich.console import Console
from rich.table import Table as Printed
from rich.text import Text

from spark_jobs.contracts.contract import Contract
from spark_jobs.errors import UsageError
from spark_jobs.jobs.points import read_points
from spark_jobs.jobs.reprocess import Comparison, other_bronze
from spark_jobs.lake.diff import ADDED, CHANGED, ChangedRow, Diff, diff
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import Table, dataset_tables
from spark_jobs.lake.travel import Version, check_reachable, check_version, stamp, versions
from spark_jobs.report.tables import WIDE, all_tables
from spark_jobs.settings import Settings

#: The platform's own columns of tables with personal data that say nothing of a person.
_OF_NOBODY = ("_delivery_date", "valid_from", "valid_to", "is_current", "is_deleted", "kind", "state")
_SIGNS = {ADDED: ("+", "green"), CHANGED: ("~", "yellow")}


def print_versions(
    spark: SparkSession, settings: Settings, contract: Contract, console: Console, name: str, limit: int
) -> None:
    """Print a table's newest versions. Raises UsageError, with all tables, for a table that is none."""
    lake = Lake(spark, settings.lake_root)
    table = table_named(contract, name)
    check_version(lake, table, lake.version(table))
    show_versions(table.name, versions(lake, table, limit), console)


def show_versions(name: str, known: Sequence[Version], console: Console) -> None:
    """Print versions, the newest first, with the rows that each commit added, changed and removed."""
    columns = ("version", "time (UTC)", "operation", "job", "delivery", "rows", "run")
    wide = console.width >= WIDE
    rows = (
        (v.number, stamp(v.at), v.operation, v.job, v.delivery_date, _touched(v), v.run_id) for v in known
    )
    shown = len(columns) if wide else len(columns) - 1
    _show(console, f"Versions of {name}", columns[:shown], [row[:shown] for row in rows])
    console.print("rows: + added, ~ changed, - removed by the commit. –: it touched none.", style="dim")


def _touched(version: Version) -> str | None:
    """The rows that a commit touched; of one that only adds Delta tells what it wrote."""
    rows = version.rows
    added = rows.get("inserted", rows.get("output", 0))
    counts = (("+", added), ("~", rows.get("updated", 0)), ("-", rows.get("deleted", 0)))
    return " ".join(f"{sign}{count:,}" for sign, count in counts if count) or None


def print_points(
    spark: SparkSession, settings: Settings, contract: Contract, console: Console, limit: int
) -> None:
    """Print the newest consistent points of the ledger."""
    known = read_points(Lake(spark, settings.lake_root), contract)
    silver = dataset_tables(contract).current.name
    columns = (silver, "time (UTC)", "job", "delivery")
    rows = ((p.silver, stamp(p.at), p.job, p.delivery_date) for p in reversed(known[-limit:]))
    _show(console, "Consistent points, for spark-jobs restore --to-version", columns, rows)


def print_diff(
    spark: SparkSession,
    settings: Settings,
    contract: Contract,
    console: Console,
    name: str,
    first: int,
    last: int,
    limit: int,
) -> None:
    """Print what lies between two versions of a table.

    Raises UsageError for a table or version that is not there, or can no longer be read.
    """
    lake = Lake(spark, settings.lake_root)
    table = table_named(contract, name)
    for version in (first, last):
        check_version(lake, table, version)
    wanted = [(table, first), (table, last)]
    check_reachable(lake, wanted, lambda: other_bronze(lake, dataset_tables(contract).bronze))
    shown = shown_columns(contract, table)
    show_diff(table, diff(lake, table, first, last, shown, limit), f"{first} to {last}", console)


def show_diff(table: Table, found: Diff, between: str, console: Console) -> None:
    """Print how many rows differ, and the rows that were read."""
    counts = found.counts
    title = (
        f"{table.name}, version {between}: {counts.inserted:,} added, {counts.updated:,} changed, "
        f"{counts.deleted:,} removed"
    )
    columns = ("", *table.key, "columns that differ", "values")
    rows = (
        (_sign(row.change), *row.key.values(), ", ".join(row.columns) or None, _values(row))
        for row in found.rows
    )
    _show(console, title, columns, rows)
    if counts.changed > len(found.rows):
        console.print(f"{len(found.rows)} of {counts.changed:,} rows are shown; --limit shows more.")


def show_comparisons(told: Sequence[Comparison], console: Console) -> None:
    """Print how rebuilt tables differ from the live ones."""
    columns = ("table", "rows live", "rows rebuilt", "added", "changed", "removed")
    rows = (
        (t.table, t.rows_before, t.rows_after, d.inserted, d.updated, d.deleted)
        for t in told
        for d in (t.differences,)
    )
    _show(console, "The rebuilt tables beside the live ones", columns, rows)


def table_named(contract: Contract, name: str) -> Table:
    """The lake's table of a name. Raises UsageError that lists them all where there is none."""
    known = {table.name: table for table in all_tables(contract)}
    if name not in known:
        raise UsageError(f"There is no table {name}: the tables are {', '.join(known)}.")
    return known[name]


def shown_columns(contract: Contract, table: Table) -> frozenset[str]:
    """The columns whose values may be shown: all, or the public ones of a table with personal data."""
    if table not in dataset_tables(contract).all:
        return frozenset(table.schema.names)
    columns = (*contract.columns, *contract.derived)
    return frozenset(
        (*_OF_NOBODY, *(column.name for column in columns if column.classification == "public"))
    )


def _sign(change: str) -> Text:
    sign, style = _SIGNS.get(change, ("-", "red"))
    return Text(sign, style=style)


def _values(row: ChangedRow) -> str | None:
    """What changed as `column: old -> new`; all known values of a row that came or went."""
    if row.change == CHANGED:
        both = [(name, row.before[name], row.after[name]) for name in row.columns if name in row.after]
        return ", ".join(f"{n}: {_text(old)} -> {_text(new)}" for n, old, new in both) or None
    known = {**row.before, **row.after}
    told = (f"{n}={v}" for n, v in known.items() if v is not None and n not in row.key)
    return ", ".join(told) or None


def _text(value: Any) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _show(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    printed = Printed(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    rows = list(rows)
    for number, name in enumerate(columns):
        numbers = any(isinstance(row[number], int) for row in rows)
        # A time that is folded cannot be read.
        whole = name.startswith("time")
        justify = "right" if numbers else "left"
        printed.add_column(name, justify=justify, overflow="fold", no_wrap=whole)
    for row in rows:
        printed.add_row(*(v if isinstance(v, Text) else Text(_text(v)) for v in row))
    console.print(Text(title, style="bold"))
    console.print(printed)
    console.print()
