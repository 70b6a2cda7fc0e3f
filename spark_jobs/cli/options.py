"""What the commands share: options with their environment variables, and how a run is told."""

import datetime as dt
import logging
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click
from pydantic import ValidationError
from pyspark.sql import SparkSession
from rich.console import Console

from spark_jobs.contracts.contract import Contract, read_contract
from spark_jobs.errors import UsageError
from spark_jobs.ledger import Run
from spark_jobs.process.emf import emf_line
from spark_jobs.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
log = logging.getLogger(__name__)
_SETTINGS = ("landing", "lake", "contract", "quarantine_limit", "pseudonym_key_file", "master")
#: Settings for which one command alone has an option.
_SPECIAL = ("new_pseudonym_key_file",)


class Day(click.ParamType):
    """A day of delivery."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: Any, ctx: Any) -> dt.date:
        """The date that a text says; a sentence where it says none."""
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


def settings_of(options: dict[str, Any]) -> Settings:
    """The settings from a command's options and the environment."""
    given = {name: options[name] for name in (*_SETTINGS, *_SPECIAL) if options.get(name) is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"The setting {name} (MLB_{name.upper()}) is wrong: {first['msg']}.") from error


def start(options: dict[str, Any]) -> tuple[Settings, Contract, SparkSession]:
    """Everything a job needs; the lake is held and Spark runs until the command ends."""
    # Imported here: pyspark takes a second, which --help need not.
    from spark_jobs.lake.lock import lake_lock
    from spark_jobs.lake.session import is_running, start_session, stop_session
    from spark_jobs.process.measures import start_up

    context = click.get_current_context()
    context.obj.delivery_date = context.params.get("date")
    settings = settings_of(options)
    if settings.compiler is None and context.obj.delivery_date:
        settings = settings.model_copy(update={"compiler": "c1"})
    contract = read_contract(settings.contract)
    context.with_resource(lake_lock(settings, lambda: log.info("waiting for another job on this lake")))
    was_running = is_running()
    with Console(stderr=True, quiet=settings.log_format == "json").status("starting Spark"):
        spark = start_session(settings, _app_name(context))
    if not was_running:  # else it is for whoever has started it to stop
        start_up.is_over()
        context.call_on_close(lambda: stop_session(spark))
    return settings, contract, spark


def _app_name(context: click.Context) -> str:
    """What Spark's History Server shows: the command and its delivery."""
    return " ".join(str(part) for part in (context.info_name, context.params.get("date")) if part)


def tell(run: Run, metrics: str = "none") -> None:
    """One line for a run that has ended, and its notes; its metrics on standard output, if wanted."""
    if metrics == "emf":
        click.echo(emf_line(run))
    # Counts of single tables (silver/employees added) are for the ledger.
    rows = {name: count for name, count in run.rows.items() if count and "/" not in name}
    counts = "  ".join(f"{name} {count:,}" for name, count in rows.items())
    mark = "ok" if run.exit_code == 0 else f"exit {run.exit_code}"
    about = {"run": run}
    level = logging.ERROR if run.exit_code else logging.INFO
    subject = str(run.delivery_date or "whole lake")
    log.log(level, f"{subject:<10}  {run.job:<10}  {run.seconds:5.1f} s  {mark}  {counts}", extra=about)
    for note in run.notes:
        log.warning(f"            note: {note}", extra=about)
    if run.error:
        log.error(f"            error: {run.error}", extra=about)


def finish(run: Run) -> NoReturn:
    """End the process as its one run has ended; the last line of output is the run's row."""
    ending = click.get_current_context().obj
    ending.runs = [run]
    tell(run, ending.settings.metrics)
    click.echo(run.as_json())
    sys.exit(run.exit_code)
