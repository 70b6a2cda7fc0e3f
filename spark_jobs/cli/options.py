"""What the commands share: options with their environment variables, and how a run is told."""

import datetime as dt
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click
from pydantic import ValidationError
from pyspark.sql import SparkSession
from rich.console import Console

from spark_jobs.contracts.contract import Contract, read_contract
from spark_jobs.errors import UsageError
from spark_jobs.ledger import Run
from spark_jobs.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
#: For people; standard output is for what a command was asked for.
terminal = Console(stderr=True, highlight=False)
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
    """Everything a job needs; the lake is held until the command ends."""
    # Imported here: pyspark takes a second, which --help need not.
    from spark_jobs.lake.lock import lake_lock
    from spark_jobs.lake.session import start_session

    settings = settings_of(options)
    contract = read_contract(settings.contract)
    held = lake_lock(settings, lambda: terminal.print("waiting for another job on this lake"))
    click.get_current_context().with_resource(held)
    with terminal.status("starting Spark"):
        return settings, contract, start_session(settings)


def tell(run: Run) -> None:
    """One line for a run that has ended, and its notes."""
    # Counts of single tables (silver/employees added) are for the ledger.
    rows = {name: count for name, count in run.rows.items() if count and "/" not in name}
    counts = "  ".join(f"{name} {count:,}" for name, count in rows.items())
    mark = "[green]ok[/]" if run.exit_code == 0 else f"[red]exit {run.exit_code}[/]"
    terminal.print(
        f"{run.delivery_date or 'whole lake'}  {run.job:<10}  {run.seconds:5.1f} s  {mark}  {counts}",
        soft_wrap=True,
    )
    for note in run.notes:
        terminal.print(f"            note: {note}", style="yellow", markup=False, soft_wrap=True)
    if run.error:
        terminal.print(f"            error: {run.error}", style="red", markup=False, soft_wrap=True)


def finish(run: Run) -> None:
    """Tell of the run that a command was, print its row as JSON and end with its exit code."""
    tell(run)
    click.echo(run.as_json())
    sys.exit(run.exit_code)
