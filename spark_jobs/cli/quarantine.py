"""The commands of the quarantine: look at what was refused, and bring it back."""

import datetime as dt
import getpass
import logging
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from spark_jobs.cli.options import Day, finish, settings_options, start, tell
from spark_jobs.errors import UsageError
from spark_jobs.settings import absolute

log = logging.getLogger(__name__)

STATES = ("open", "replayed", "rejected", "superseded", "all")
state_option = click.option("--state", type=click.Choice(STATES), default="open", show_default=True)
day_option = click.option("--date", type=Day(), help="only the delivery of this day")
code_option = click.option(
    "--reason", "code", help="only rows refused for this reason, for example salary_negative"
)


@click.group("quarantine")
def quarantine_group() -> None:
    """Look at what was refused, and why. Rows are shown as delivered: personal data included.

    \b
    The way back:  spark-jobs quarantine export --output refused.csv
                   (mend the rows; write mend or reject into the column decision)
                   spark-jobs recover --corrections refused.csv
    """


@quarantine_group.command("list")
@state_option
@day_option
@code_option
@click.option("--limit", type=int, default=50, show_default=True, help="how many to show")
@settings_options
def list_command(state: str, date: dt.date | None, code: str | None, limit: int, **options: Any) -> None:
    """List refused rows and files with every reason."""
    from spark_jobs.lake.lake import Lake
    from spark_jobs.report.quarantine import refused, show_list

    settings, contract, spark = start(options)
    rows = refused(Lake(spark, settings.lake_root), contract, _state(state), date, code)
    show_list(rows, Console(highlight=False), limit)


@quarantine_group.command("show")
@click.argument("row_id")
@settings_options
def show_command(row_id: str, **options: Any) -> None:
    """Show all that is known of one refused row; ROW_ID may be its beginning."""
    from spark_jobs.lake.lake import Lake
    from spark_jobs.report.quarantine import find_row, show_row

    settings, contract, spark = start(options)
    lake = Lake(spark, settings.lake_root)
    show_row(lake, contract, find_row(lake, contract, row_id), Console(highlight=False))


@quarantine_group.command("export")
@day_option
@code_option
@click.option("--output", type=click.Path(path_type=Path), required=True, help="the CSV file to write")
@settings_options
def export_command(date: dt.date | None, code: str | None, output: Path, **options: Any) -> None:
    """Export open rows as CSV for a person to mend. The file holds personal data: delete it afterwards."""
    from spark_jobs.lake.lake import Lake
    from spark_jobs.quarantine.corrections import write_refused
    from spark_jobs.report.quarantine import refused

    settings, contract, spark = start(options)
    rows = refused(Lake(spark, settings.lake_root), contract, "open", date, code).where("kind = 'row'")
    output.touch(mode=0o600)
    with output.open("w", encoding="utf-8", newline="") as out:
        number = write_refused(
            (row.asDict(recursive=True) for row in rows.toLocalIterator()), contract, out
        )
    log.info(f"{number} rows are in {output}")


@click.command("recover")
@click.option(
    "--corrections", help="CSV file of mended rows, from `quarantine export`  [default: judge again]"
)
@click.option("--by", default=getpass.getuser, help="who decided, for the record  [default: you]")
@settings_options
def recover_command(corrections: str | None, by: str, **options: Any) -> None:
    """Bring refused rows back: as mended, or judged again after the contract has changed.

    The rows go through the same etl and load as all others: they are judged again, and take their place
    in time, so that an old fix never overwrites newer data. Gold follows.
    """
    from spark_jobs.jobs.recover import recover
    from spark_jobs.jobs.runner import run_job
    from spark_jobs.lake.storage import exists, read_file
    from spark_jobs.ledger import Run
    from spark_jobs.quarantine.corrections import read_corrections

    settings, contract, spark = start(options)
    decided = None
    if corrections:
        place = absolute(corrections)
        if not exists(spark, place):
            raise UsageError(f"There is no file {corrections}.")
        decided = read_corrections(read_file(spark, place), contract, corrections)

    def run_stage(name: str, day: dt.date) -> Run:
        run = run_job(spark, settings, contract, name, day)
        tell(run, settings.metrics)
        return run

    finish(
        run_job(
            spark, settings, contract, "recover", None, lambda job: recover(job, decided, by, run_stage)
        )
    )


def _state(name: str) -> str | None:
    return None if name == "all" else name


COMMANDS = (quarantine_group, recover_command)
