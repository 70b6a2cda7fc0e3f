"""The quarantine for people: a list of what was refused, and all that is known of one row."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from spark_jobs.contracts.contract import Contract
from spark_jobs.errors import UsageError
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import dataset_tables

_SHORT_ID = 12


def refused(
    lake: Lake, contract: Contract, state: str | None, day: date | None, code: str | None
) -> DataFrame:
    """The quarantine's rows of a state, a delivery and a reason; None stands for any."""
    rows = lake.read(dataset_tables(contract).quarantine)
    if state:
        rows = rows.where(F.col("state") == state)
    if day:
        rows = rows.where(F.col("_delivery_date") == day)
    if code:
        rows = rows.where(F.exists("reasons", lambda reason: reason["code"] == code))
    return rows.orderBy("_delivery_date", "_source_file", "_generation", "_row_number")


def show_list(rows: DataFrame, console: Console, limit: int) -> None:
    """A line for each refused row or file: its id, where it was delivered, and every reason."""
    total, shown = rows.count(), rows.limit(limit).collect()
    grid = Grid(title=f"{total} in the quarantine" + (f", {limit} shown" if total > limit else ""))
    for name in ("id", "state", "file", "row", "reasons"):
        grid.add_column(name)
    for row in shown:
        number = str(row["_row_number"] or "")
        reasons = "\n".join(_without_place(reason["sentence"]) for reason in row["reasons"])
        # As text: a file's name, which a reason quotes, may look like markup.
        cells = (row["_row_id"][:_SHORT_ID], row["state"], row["_source_file"], number, reasons)
        grid.add_row(*map(Text, cells))
    console.print(grid)


def _without_place(sentence: str) -> str:
    return sentence.split(": ", 1)[-1]


def find_row(lake: Lake, contract: Contract, row_id: str) -> dict[str, Any]:
    """The refused row whose id begins so. Raises UsageError where there is none, or more than one."""
    rows = lake.read(dataset_tables(contract).quarantine)
    found = rows.where(F.col("_row_id").startswith(row_id.strip().lower())).limit(2).collect()
    if len(found) != 1 or not row_id.strip():
        about = "No row" if not found else "More than one row"
        raise UsageError(f"{about} of the quarantine has an id that begins with {row_id!r}.")
    return found[0].asDict(recursive=True)


def show_row(lake: Lake, contract: Contract, row: dict[str, Any], console: Console) -> None:
    """Everything of one refused row: reasons, the columns as delivered or mended, and all attempts."""
    console.print(f"{row['_row_id']}  {row['kind']}  [bold]{row['state']}[/]", soft_wrap=True)
    console.print(
        f"{row['_source_file']}  row {row['_row_number']}  generation {row['_generation']}",
        markup=False,
        soft_wrap=True,
    )
    for reason in row["reasons"]:
        console.print(f"  {reason['code']}: {reason['sentence']}", markup=False, soft_wrap=True)
    record = json.loads(row["record"] or "{}")
    for name in (*contract.names, "_rescued"):
        if record.get(name) is not None:
            console.print(f"  {name:<14} {record[name]!r}", markup=False, soft_wrap=True)
    attempts = lake.read(dataset_tables(contract).attempts).where(F.col("_row_id") == row["_row_id"])
    show_attempts([entry.asDict(recursive=True) for entry in attempts.orderBy("at").collect()], console)


def show_attempts(attempts: Iterable[dict[str, Any]], console: Console) -> None:
    """A line for each attempt: when, who, what, under which contract, and what became of it."""
    for entry in attempts:
        outcome = entry["outcome"] or "not finished"
        codes = ", ".join(reason["code"] for reason in entry["reasons"] or [])
        console.print(
            f"  {entry['at']:%Y-%m-%d %H:%M} {entry['decision']} by {entry['by']}, contract "
            f"{entry['contract_version']} ({entry['contract_digest']}): {outcome} {codes}",
            markup=False,
            soft_wrap=True,
        )
