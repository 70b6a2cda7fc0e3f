"""Gold, the lake's tables and the ledger, read as plain rows and printed as tables for a terminal.

Read and shown are sums and counts only: no employee, no pseudonym, no record of the quarantine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich import box
from rich.console import Console
from rich.table import Table as Printed
from rich.text import Text

from spark_jobs.contracts.contract import Contract
from spark_jobs.errors import UsageError
from spark_jobs.gold import (
    GOLD_TABLES,
    data_quality_daily,
    league_season_summary,
    position_salaries,
    roster_movement,
    team_season_payroll,
)
from spark_jobs.gold.data_quality_daily import LOADED
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import ERASURES, LOADS, MANIFEST, RUNS, Table, dataset_tables
from spark_jobs.quarantine.refused import OPEN
from spark_jobs.settings import Settings
from spark_jobs.usual import UNKNOWN, USUAL

Rows = list[dict[str, Any]]

#: So many runs of the ledger are printed.
RUNS_SHOWN = 12
#: Among so many of the newest deliveries those that need a look are printed.
DELIVERIES_SHOWN = 30
#: A terminal with fewer columns is spared the figures that are good to have.
WIDE = 105
_UTC = "yyyy-MM-dd HH:mm:ss"


def print_gold(
    spark: SparkSession, settings: Settings, console: Console, season: int | None = None
) -> None:
    """Print the four Gold summaries of one season, by default the newest.

    Raises UsageError for a season that Gold does not hold.
    """
    show_gold(read_gold(Lake(spark, settings.lake_root)), console, season)


def print_status(spark: SparkSession, settings: Settings, contract: Contract, console: Console) -> None:
    """Print the lake's tables, the quarantine's open reasons and the newest runs."""
    lake = Lake(spark, settings.lake_root)
    tables = [table for table in all_tables(contract) if lake.exists(table)]
    if not tables:
        console.print(f"The lake {lake.root} is empty: run `spark-jobs run` first.", markup=False)
        return
    states = lake.together(*(partial(_state, lake, table) for table in tables))
    show_states(states, console)
    show_quarantine(*read_quarantine(lake, contract), console)
    show_unusual(_plain_rows(lake, data_quality_daily.TABLE), console)
    show_runs(read_runs(lake, contract), console)


# Reading


def all_tables(contract: Contract) -> list[Table]:
    """Every table of the lake, in the order of the data."""
    return [*dataset_tables(contract).all, *GOLD_TABLES, RUNS, MANIFEST, LOADS, ERASURES]


def read_gold(lake: Lake) -> dict[str, Rows]:
    """The Gold tables' rows by the table's name; a table that is not there has none."""
    read = lake.together(*(partial(_plain_rows, lake, table) for table in GOLD_TABLES))
    return {table.name: rows for table, rows in zip(GOLD_TABLES, read, strict=True)}


def _plain_rows(lake: Lake, table: Table) -> Rows:
    return [
        {n: float(v) if isinstance(v, Decimal) else v for n, v in row.asDict().items()}
        for row in lake.read(table).collect()
    ]


def read_quarantine(lake: Lake, contract: Contract) -> tuple[int, dict[str, int]]:
    """How many rows and files are open, and how many of them have each reason."""
    table = lake.read(dataset_tables(contract).quarantine).where(F.col("state") == OPEN)
    codes = F.array_sort(F.array_distinct(F.col("reasons")["code"])).alias("codes")
    groups = table.groupBy(codes).count().collect()
    counts: dict[str, int] = {}
    for group in groups:
        for code in group["codes"]:
            counts[code] = counts.get(code, 0) + group["count"]
    return sum(group["count"] for group in groups), counts


def read_runs(lake: Lake, contract: Contract) -> Rows:
    """The ledger of the contract's dataset in the order of the runs, times as text in UTC."""
    runs = lake.read(RUNS).where(F.col("dataset") == contract.dataset)
    # As text, since timestamps are collected in the time zone of this machine.
    started = F.date_format("started_at", _UTC).alias("started")
    columns = ("job", "delivery_date", "outcome", "seconds", "rows", "error")
    return [row.asDict() for row in runs.orderBy("started_at").select(started, *columns).collect()]


def _state(lake: Lake, table: Table) -> dict[str, Any]:
    detail = DeltaTable.forPath(lake.spark, lake.path(table)).detail()
    changed = F.date_format("lastModified", _UTC).alias("changed")
    files = detail.select("numFiles", "sizeInBytes", changed).collect()[0]
    return {
        "table": table.name,
        "version": lake.version(table),
        "rows": lake.read(table).count(),
        "files": files["numFiles"],
        "megabytes": files["sizeInBytes"] / 1e6,
        "changed": files["changed"],
    }


# Showing


@dataclass(frozen=True)
class _Column:
    """A printed column: `about` stands above, `text` makes a value readable."""

    name: str
    about: str
    text: Callable[[Any], str] = str
    wide: bool = False


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _counts(rows: Mapping[str, int]) -> str:
    """The counts that are not zero, the greatest first."""
    by_count = sorted(rows.items(), key=lambda pair: (-pair[1], pair[0]))
    return " ".join(f"{name}={count:,}" for name, count in by_count if count)


_TEAMS = (
    _Column("payroll_rank", "rank", _number),
    _Column("team_id", "team"),
    _Column("league", "league"),
    _Column("headcount", "people", _number),
    _Column("paid_headcount", "paid", _number),
    _Column("payroll", "payroll", _number),
    _Column("mean_salary", "mean", _number, wide=True),
    _Column("median_salary", "median", _number),
    _Column("p90_salary", "90th pct.", _number, wide=True),
    _Column("max_salary", "highest", _number),
    _Column("league_payroll_share", "share", _percent),
    _Column("league_payroll_rank", "league rank", _number, wide=True),
)
_POSITIONS = (
    _Column("position", "position"),
    _Column("headcount", "people", _number),
    _Column("paid_headcount", "paid", _number),
    _Column("payroll", "payroll", _number),
    _Column("p25_salary", "25th pct.", _number),
    _Column("median_salary", "median", _number),
    _Column("p75_salary", "75th pct.", _number),
)
_MOVEMENT = (
    _Column("team_id", "team"),
    _Column("joined", "joined", _number),
    _Column("arrived_from_team", "of them from a team", _number),
    _Column("left", "left", _number),
    _Column("retained", "retained", _number),
    _Column("retention_rate", "retention rate", _percent),
)
_LEAGUES = (
    _Column("league", "league"),
    _Column("headcount", "people", _number),
    _Column("payroll", "payroll", _number),
    _Column("median_salary", "median salary", _number),
    _Column("payroll_gini", "Gini of payrolls", "{:.3f}".format),
    _Column("median_age", "median age", "{:.1f}".format),
)
_STATES = (
    _Column("table", "table"),
    _Column("version", "version", _number),
    _Column("rows", "rows", _number),
    _Column("files", "files", _number),
    _Column("megabytes", "MB", "{:,.2f}".format),
    _Column("changed", "last change (UTC)"),
)
_UNUSUAL = (
    _Column("delivery_date", "delivery"),
    _Column("status", "status"),
    _Column("rows_delivered", "delivered", _number),
    _Column("rows_accepted", "good", _number),
    _Column("quarantine_share", "refused", _percent),
    _Column("rows_verdict", "rows are"),
    _Column("payroll_verdict", "payroll is"),
    _Column("unusual_accepted", "let pass", lambda passed: "yes" if passed else "no"),
    _Column("conserved", "adds up", lambda conserved: "yes" if conserved else "NO"),
)
_RUNS = (
    _Column("started", "started (UTC)", lambda started: started[:16]),
    _Column("job", "job"),
    _Column("delivery_date", "delivery"),
    _Column("outcome", "outcome", lambda outcome: "ok" if outcome == "succeeded" else outcome),
    _Column("seconds", "seconds", "{:,.1f}".format),
    _Column("rows", "rows", _counts),
)


def show_gold(gold: Mapping[str, Rows], console: Console, season: int | None = None) -> None:
    """Print the Gold rows of one season, by default the newest."""
    seasons = {row["season"] for row in gold[team_season_payroll.TABLE.name]}
    if not seasons:
        console.print("There is no Gold yet: run `spark-jobs run` first.", markup=False)
        return
    chosen = max(seasons) if season is None else season
    if chosen not in seasons:
        raise UsageError(
            f"Gold has no season {chosen}: it holds seasons from {min(seasons)} to {max(seasons)}."
        )
    plans = (
        (team_season_payroll, "Team payroll, US dollars", _TEAMS, "payroll_rank"),
        (position_salaries, "Salaries by position, US dollars", _POSITIONS, "position"),
        (roster_movement, f"Roster movement against {chosen - 1}, people", _MOVEMENT, "team_id"),
        (league_season_summary, "Leagues, US dollars", _LEAGUES, "league"),
    )
    for module, title, columns, order in plans:
        rows = [row for row in gold[module.TABLE.name] if row["season"] == chosen]
        rows.sort(key=lambda row: (row[order] is None, row[order]))
        _show(console, f"{title}, season {chosen}", columns, rows)
    console.print("share: of the league's payroll. –: not known, or fewer than three people.", style="dim")


def show_states(states: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print what the tables hold."""
    _show(console, "Tables of the lake", _STATES, states)


def show_quarantine(total: int, reasons: Mapping[str, int], console: Console) -> None:
    """Print the quarantine's open rows and files by reason."""
    if not total:
        console.print("The quarantine has no open rows.\n")
        return
    columns = (_Column("code", "reason"), _Column("count", "open", _number))
    by_count = sorted(reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    rows = [{"code": code, "count": count} for code, count in by_count]
    title = f"Quarantine: {total:,} open rows and files (one may have several reasons)"
    _show(console, title, columns, rows)


def show_unusual(quality: Rows, console: Console) -> None:
    """Print the newest deliveries that are not loaded, do not add up or are unlike those before them."""
    newest = sorted(quality, key=lambda row: row["delivery_date"])[-DELIVERIES_SHOWN:]
    odd = [row for row in newest if needs_a_look(row)]
    if odd:
        title = f"Of the last {len(newest)} deliveries need a look (docs/runbooks/unusual-delivery.md)"
        _show(console, title, _UNUSUAL, odd)


def needs_a_look(row: Mapping[str, Any]) -> bool:
    """Whether a delivery is not loaded, does not add up or is unlike those before it."""
    unusual = {row["rows_verdict"], row["payroll_verdict"]} - {USUAL, UNKNOWN}
    return row["status"] != LOADED or row["conserved"] is False or bool(unusual)


def show_runs(runs: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print the newest runs, the newest last, and the errors of those that failed."""
    newest = runs[-RUNS_SHOWN:]
    _show(console, f"The last {len(newest)} runs", _RUNS, newest)
    for run in newest:
        if run["error"]:
            told = f"{run['started']}  {run['job']} of {run['delivery_date']}: {run['error']}"
            console.print(told, style="red", markup=False)


def _show(
    console: Console, title: str, columns: Sequence[_Column], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Print a table under its title; numbers stand on the right, null is a dash."""
    printed = Printed(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    shown = [column for column in columns if console.width >= WIDE or not column.wide]
    for column in shown:
        number = any(isinstance(row[column.name], int | float) for row in rows)
        # Folded where there is no room: a number that is cut off would be another number.
        justify = "right" if number else "left"
        printed.add_column(column.about, justify=justify, overflow="fold")
    for row in rows:
        values = ((column, row[column.name]) for column in shown)
        printed.add_row(*(Text("–" if v is None else column.text(v)) for column, v in values))
    console.print(Text(title, style="bold"))
    console.print(printed)
    console.print()
