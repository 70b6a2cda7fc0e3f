"""The command line: one command a job, thin. The only place that reads arguments and prints."""

import datetime as dt
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from pydantic import ValidationError
from pyspark.sql import SparkSession
from rich.console import Console

from spark_jobs.contracts.contract import Contract, read_contract
from spark_jobs.errors import UsageError
from spark_jobs.ledger import Run
from spark_jobs.process.boundary import JobGroup
from spark_jobs.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
log = logging.getLogger(__name__)
_SETTINGS = ("landing", "lake", "contract", "quarantine_limit", "pseudonym_key_file", "master")


class _Day(click.ParamType):
    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: Any, ctx: Any) -> dt.date:
        if isinstance(value, dt.date):
            return value
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date: write it as YYYY-MM-DD, for example 2023-10-01.")


def settings_options(command: F) -> F:
    """The options that every command has; each has an environment variable MLB_<NAME>."""
    helps = {name: Settings.model_fields[name].description for name in _SETTINGS}
    for name in reversed(_SETTINGS):
        default = Settings.model_fields[name].default
        shown = "" if default is None else f"  [default: {getattr(default, 'name', default)}]"
        option = click.option(
            f"--{name.replace('_', '-')}",
            name,
            help=f"{helps[name]}  [env: MLB_{name.upper()}]{shown}",
        )
        command = option(command)
    return command


def _settings(options: dict[str, Any]) -> Settings:
    given = {name: options[name] for name in _SETTINGS if options.get(name) is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"The setting {name} (MLB_{name.upper()}) is wrong: {first['msg']}.") from error


def _start(options: dict[str, Any]) -> tuple[Settings, Contract, SparkSession]:
    # Imported here: pyspark takes a second, which --help need not.
    from spark_jobs.lake.lock import lake_lock
    from spark_jobs.lake.session import start_session, stop_session

    context = click.get_current_context()
    context.obj.delivery_date = context.params.get("date")
    settings = _settings(options)
    contract = read_contract(settings.contract)
    context.with_resource(lake_lock(settings, lambda: log.info("waiting for another job on this lake")))
    with Console(stderr=True, quiet=settings.log_format == "json").status("starting Spark"):
        spark = start_session(settings, _app_name(context))
    context.call_on_close(lambda: stop_session(spark))
    return settings, contract, spark


def _app_name(context: click.Context) -> str:
    """What Spark's History Server shows: the command and its delivery."""
    return " ".join(str(part) for part in (context.info_name, context.params.get("date")) if part)


@click.group(cls=JobGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The MLB employee data platform: CSV deliveries become Bronze, Silver and Gold Delta tables.

    \b
    landing --ingest--> Bronze --etl--> staged batch --load--> Silver --aggregate--> Gold
                                  |
                                  +--> quarantine (every refused row, with its reasons)

    \b
    Try it:      spark-jobs sample-feed
                 spark-jobs run --from 2023-10-01 --to 2023-10-10
                 spark-jobs gold;  spark-jobs status;  spark-jobs report
    Exit codes:  0 done, 1 worth a retry, 2 wrong usage, 3 bad data (no retry helps),
                 143 stopped by SIGTERM (worth a retry).

    Every job may be run again at any time: a second run changes nothing. The last line on standard
    output is the run's row of the ledger, as JSON.
    """


def _stage(name: str, about: str) -> None:
    @main.command(name, help=about)
    @click.option("--date", type=_Day(), required=True, help="the delivery's day")
    @settings_options
    def command(date: dt.date, **options: Any) -> None:
        from spark_jobs.jobs.runner import run_job

        settings, contract, spark = _start(options)
        _end(run_job(spark, settings, contract, name, date))


_stage("ingest", "Landing to Bronze: append the delivery's new files as they are, each once.")
_stage("etl", "Bronze to a staged batch: type, judge and reduce the delivery; quarantine the rest.")
_stage("load", "Staged batch to Silver: merge it into the current table, history and identities.")


@main.command("aggregate")
@click.option("--date", type=_Day(), required=True, help="the delivery's day (for the ledger)")
@click.option("--full", is_flag=True, help="compute every season anew, not only the changed ones")
@settings_options
def _aggregate(date: dt.date, full: bool, **options: Any) -> None:
    """Silver to Gold: compute the summaries of the seasons that changed."""
    from spark_jobs.jobs.aggregate import aggregate
    from spark_jobs.jobs.runner import run_job

    settings, contract, spark = _start(options)
    _end(run_job(spark, settings, contract, "aggregate", date, lambda job: aggregate(job, full=full)))


@main.command("run")
@click.option("--date", type=_Day(), help="one delivery's day")
@click.option("--from", "first", type=_Day(), help="the first day of several")
@click.option("--to", "last", type=_Day(), help="the last day of several")
@click.option("--gold", "show_gold", is_flag=True, help="print the Gold summaries at the end")
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="write the report here")
@settings_options
def _run(
    date: dt.date | None,
    first: dt.date | None,
    last: dt.date | None,
    show_gold: bool,
    report_file: Path | None,
    **options: Any,
) -> None:
    """Run all four stages in order, for one day or for each day of several.

    A day whose delivery is missing or refused is told, and the next goes on.
    """
    from spark_jobs.jobs.runner import exit_code, run_days
    from spark_jobs.report.summary import run_summary
    from spark_jobs.report.tables import print_gold

    days = _days(date, first, last)
    settings, contract, spark = _start(options)
    log.info(f"{len(days)} deliveries, {settings.landing_root} -> {settings.lake_root}")
    runs = click.get_current_context().obj.runs = run_days(spark, settings, contract, days, _tell)
    if show_gold:
        print_gold(spark, settings, Console(highlight=False))
    if report_file:
        _write_report(spark, settings, contract, report_file)
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


def _tell(run: Run) -> None:
    """One line for a run that has ended, and its notes."""
    counts = "  ".join(f"{name} {count:,}" for name, count in run.rows.items() if count)
    mark = "ok" if run.exit_code == 0 else f"exit {run.exit_code}"
    about = {"run": run}
    level = logging.ERROR if run.exit_code else logging.INFO
    log.log(
        level, f"{run.delivery_date}  {run.job:<9}  {run.seconds:5.1f} s  {mark}  {counts}", extra=about
    )
    for note in run.notes:
        log.warning(f"            note: {note}", extra=about)
    if run.error:
        log.error(f"            error: {run.error}", extra=about)


def _end(run: Run) -> NoReturn:
    """End the process as its one run has ended; the last line of output is the run's row."""
    click.get_current_context().obj.runs = [run]
    _tell(run)
    click.echo(run.as_json())
    sys.exit(run.exit_code)


@main.command("gold")
@click.option("--season", type=int, help="the season to show  [default: the newest]")
@settings_options
def _gold(season: int | None, **options: Any) -> None:
    """Print the Gold summaries of one season as tables."""
    from spark_jobs.report.tables import print_gold

    settings, _, spark = _start(options)
    print_gold(spark, settings, Console(highlight=False), season)


@main.command("status")
@settings_options
def _status(**options: Any) -> None:
    """Print the tables with their versions, rows and sizes, and the last runs."""
    from spark_jobs.report.tables import print_status

    settings, contract, spark = _start(options)
    print_status(spark, settings, contract, Console(highlight=False))


@main.command("report")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="the file to write",
)
@settings_options
def _report(output: Path, **options: Any) -> None:
    """Write the report: one self-contained HTML file that people look at in a browser."""
    settings, contract, spark = _start(options)
    _write_report(spark, settings, contract, output)


def _write_report(spark: SparkSession, settings: Settings, contract: Contract, output: Path) -> None:
    from spark_jobs.report.page import write_report

    write_report(spark, settings, contract, output)
    log.info(f"The report is in {output.absolute()}")


@main.command("sample-feed")
@click.option("--teams", help="only these teams, for example NYA,BOS  [default: all]")
@settings_options
def _sample_feed(teams: str | None, **options: Any) -> None:
    """Write ten real deliveries of seasons 1985 to 2016 into the landing zone, defects included."""
    from spark_jobs.sample_feed import write_sample_feed

    settings = _settings(options)
    chosen = frozenset(teams.split(",")) if teams else None
    feed = write_sample_feed(Path(settings.landing_root), teams=chosen)
    for delivery in feed.deliveries:
        log.info(f"{delivery.date}  {len(delivery.files)} files  {delivery.rows:,} rows")
    log.info(f"The deliveries are in {settings.landing_root}")
