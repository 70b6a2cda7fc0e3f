"""The commands of the four stages, alone and in order."""

import datetime as dt
import getpass
import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from spark_jobs.cli.look import write_report_to
from spark_jobs.cli.options import Day, finish, settings_options, start, tell
from spark_jobs.errors import UsageError
from spark_jobs.usual import Passed

log = logging.getLogger(__name__)


def _passing(command: Callable[..., None]) -> Callable[..., None]:
    """The options by which a person lets an unusual delivery pass."""
    for option in (
        click.option(
            "--by", default=getpass.getuser, help="who lets it pass, for the record  [default: you]"
        ),
        click.option("--reason", help="why it is as it should be, for the record: name no employee"),
        click.option(
            "--accept-unusual",
            "unusual",
            type=Day(),
            multiple=True,
            help="load this day's delivery also where it is very unlike those before it (repeatable)",
        ),
    ):
        command = option(command)
    return command


def _passed(
    days: Sequence[dt.date], unusual: Sequence[dt.date], reason: str | None, by: str
) -> dict[dt.date, Passed]:
    """What a person lets pass, by the delivery's day."""
    if bool(unusual) != bool((reason or "").strip()):
        raise UsageError("Give --accept-unusual and a --reason, or neither: the ledger keeps why.")
    others = [day for day in unusual if day not in days]
    if others:
        raise UsageError(
            f"--accept-unusual {others[0]} is of another delivery than this runs: name the day that is run."
        )
    return {day: Passed(by, str(reason).strip()) for day in unusual}


@click.command("load")
@click.option("--date", type=Day(), required=True, help="the delivery's day")
@_passing
@settings_options
def load_command(
    date: dt.date, unusual: tuple[dt.date, ...], reason: str | None, by: str, **options: Any
) -> None:
    """Staged batch to Silver: merge it into the current table, history and identities.

    A delivery that is very unlike those before it in rows or payroll waits (exit 3) until a person
    lets it pass.
    """
    from spark_jobs.jobs.load import load
    from spark_jobs.jobs.runner import run_job

    passed = _passed([date], unusual, reason, by).get(date)
    settings, contract, spark = start(options)
    finish(run_job(spark, settings, contract, "load", date, lambda job: load(job, passed)))


def _stage(name: str, about: str) -> click.Command:
    @click.command(name, help=about)
    @click.option("--date", type=Day(), required=True, help="the delivery's day")
    @settings_options
    def command(date: dt.date, **options: Any) -> None:
        from spark_jobs.jobs.runner import run_job

        settings, contract, spark = start(options)
        finish(run_job(spark, settings, contract, name, date))

    return command


@click.command("aggregate")
@click.option("--date", type=Day(), required=True, help="the delivery's day (for the ledger)")
@click.option("--full", is_flag=True, help="compute all anew, not only what has changed")
@settings_options
def aggregate_command(date: dt.date, full: bool, **options: Any) -> None:
    """Silver to Gold: compute the summaries of the seasons that changed."""
    from spark_jobs.jobs.aggregate import aggregate
    from spark_jobs.jobs.runner import run_job

    settings, contract, spark = start(options)
    finish(run_job(spark, settings, contract, "aggregate", date, lambda job: aggregate(job, full=full)))


@click.command("run")
@click.option("--date", type=Day(), help="one delivery's day")
@click.option("--from", "first", type=Day(), help="the first day of several")
@click.option("--to", "last", type=Day(), help="the last day of several")
@click.option("--gold", "show_gold", is_flag=True, help="print the Gold summaries at the end")
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="write the report here")
@_passing
@settings_options
def run_command(
    date: dt.date | None,
    first: dt.date | None,
    last: dt.date | None,
    show_gold: bool,
    report_file: Path | None,
    unusual: tuple[dt.date, ...],
    reason: str | None,
    by: str,
    **options: Any,
) -> None:
    """Run all four stages in order, for one day or for each day of several.

    A day whose delivery is missing, refused or very unusual is told, and the next goes on.
    """
    from spark_jobs.jobs.runner import exit_code, run_days
    from spark_jobs.report.summary import run_summary
    from spark_jobs.report.tables import print_gold

    days = _days(date, first, last)
    passed = _passed(days, unusual, reason, by)
    settings, contract, spark = start(options)
    log.info(f"{len(days)} deliveries, {settings.landing_root} -> {settings.lake_root}")
    watch = partial(tell, metrics=settings.metrics)
    runs = click.get_current_context().obj.runs = run_days(spark, settings, contract, days, watch, passed)
    if show_gold:
        print_gold(spark, settings, Console(highlight=False))
    if report_file:
        write_report_to(spark, settings, contract, report_file)
    click.echo(run_summary(days, runs))
    sys.exit(exit_code(runs))


def _days(date: dt.date | None, first: dt.date | None, last: dt.date | None) -> list[dt.date]:
    if date and not (first or last):
        return [date]
    if date or not (first and last):
        raise UsageError("Give either --date, or --from and --to.")
    if last < first:
        raise UsageError(f"--from {first} is after --to {last}.")
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


COMMANDS = (
    _stage("ingest", "Landing to Bronze: append the delivery's new files as they are, each once."),
    _stage("etl", "Bronze to a staged batch: type, judge and reduce the delivery; quarantine the rest."),
    load_command,
    aggregate_command,
    run_command,
)
