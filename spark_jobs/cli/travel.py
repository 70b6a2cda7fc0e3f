"""The commands that go back in time: history, diff, reprocess, restore, rotate-key."""

import datetime as dt
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from spark_jobs.cli.options import finish, settings_options, start
from spark_jobs.errors import UsageError


class Moment(click.ParamType):
    """A point in time."""

    name = "TIME"

    def convert(self, value: Any, param: Any, ctx: Any) -> dt.datetime:
        """The time that a text says, UTC where it names no zone; a sentence where it says none."""
        if isinstance(value, dt.datetime):
            return value
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write it as ISO 8601, for example 2023-10-01T06:00:00Z.")
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)


class Seasons(click.ParamType):
    """A list of seasons."""

    name = "SEASONS"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        """The seasons that a text lists, with commas between them; a sentence where it lists none."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(sorted({int(part) for part in value.split(",")}))
        except ValueError:
            self.fail(f"{value!r} are no seasons: write them as years, for example 2014,2015.")


_LIMIT = click.IntRange(min=1)


@click.command("history")
@click.argument("table", required=False)
@click.option("--points", is_flag=True, help="the points that restore accepts (the default without TABLE)")
@click.option("--limit", type=_LIMIT, default=50, show_default=True, help="so many, the newest")
@settings_options
def history_command(table: str | None, points: bool, limit: int, **options: Any) -> None:
    """List the versions of a TABLE, for example silver/employees; or the lake's consistent points.

    At a consistent point Silver, Gold and what they come from belong together.
    """
    from spark_jobs.report.travel import print_points, print_versions

    if table and points:
        raise UsageError("Give either a table, or --points.")
    settings, contract, spark = start(options)
    console = Console(highlight=False)
    if table:
        print_versions(spark, settings, contract, console, table, limit)
    else:
        print_points(spark, settings, contract, console, limit)


@click.command("diff")
@click.argument("table")
@click.option("--from", "first", type=int, required=True, help="the version to compare from")
@click.option("--to", "last", type=int, required=True, help="the version to compare to")
@click.option("--limit", type=_LIMIT, default=20, show_default=True, help="so many rows one by one")
@settings_options
def diff_command(table: str, first: int, last: int, limit: int, **options: Any) -> None:
    """Show the rows of a TABLE that were added, changed and removed between two of its versions.

    Of tables with personal data only keys, the names of changed columns and public values are shown.
    """
    from spark_jobs.report.travel import print_diff

    settings, contract, spark = start(options)
    print_diff(spark, settings, contract, Console(highlight=False), table, first, last, limit)


@click.command("reprocess")
@click.option("--bronze-version", type=int, help="Bronze at this version  [default: as it is]")
@click.option("--bronze-as-of", type=Moment(), help="Bronze as of this time (UTC unless it says)")
@click.option("--seasons", type=Seasons(), default=(), help="only rows of these, for example 2014,2015")
@click.option("--dry-run", is_flag=True, help="rebuild and compare, and make nothing live")
@settings_options
def reprocess_command(
    bronze_version: int | None,
    bronze_as_of: dt.datetime | None,
    seasons: tuple[int, ...],
    dry_run: bool,
    **options: Any,
) -> None:
    """Rebuild Silver, history and Gold from Bronze, under the contract of today.

    The rebuilt tables are made beside the live ones, compared with them, and then made live together.
    """
    from spark_jobs.jobs.reprocess import Comparison, reprocess
    from spark_jobs.jobs.runner import run_job
    from spark_jobs.report.travel import show_comparisons

    if bronze_version is not None and bronze_as_of is not None:
        raise UsageError("Give either --bronze-version or --bronze-as-of.")
    settings, contract, spark = start(options)
    told: list[Comparison] = []
    run = run_job(
        spark,
        settings,
        contract,
        "reprocess",
        None,
        lambda job: told.extend(reprocess(job, bronze_version, bronze_as_of, seasons, dry_run)),
    )
    if told:
        show_comparisons(told, Console(stderr=True, highlight=False))
    finish(run)


@click.command("restore")
@click.option("--to-version", type=int, help="the point at which silver/employees had this version")
@click.option("--as-of", type=Moment(), help="the newest point at this time (UTC unless it says)")
@click.option("--dry-run", is_flag=True, help="compare, and change nothing")
@settings_options
def restore_command(
    to_version: int | None, as_of: dt.datetime | None, dry_run: bool, **options: Any
) -> None:
    """Bring Silver and Gold back together to a consistent point; `history` lists them."""
    from spark_jobs.jobs.reprocess import Comparison
    from spark_jobs.jobs.restore import restore
    from spark_jobs.jobs.runner import run_job
    from spark_jobs.report.travel import show_comparisons

    if (to_version is None) == (as_of is None):
        raise UsageError("Give either --to-version or --as-of.")
    settings, contract, spark = start(options)
    told: list[Comparison] = []
    run = run_job(
        spark,
        settings,
        contract,
        "restore",
        None,
        lambda job: told.extend(restore(job, to_version, as_of, dry_run)),
    )
    if told:
        show_comparisons(told, Console(stderr=True, highlight=False))
    finish(run)


@click.command("rotate-key")
@click.option(
    "--new-key-file",
    "new_pseudonym_key_file",
    type=click.Path(path_type=Path),
    help="a file that holds the new key, at least 32 characters  [env: MLB_NEW_PSEUDONYM_KEY_FILE]"
    "  [default: where the old one is the lake's own, the new one is made]",
)
@settings_options
def rotate_key_command(**options: Any) -> None:
    """Make every pseudonym again under a new key, from the values in clear in Bronze."""
    from spark_jobs.jobs.rotate_key import rotate_key
    from spark_jobs.jobs.runner import run_job

    settings, contract, spark = start(options)
    finish(run_job(spark, settings, contract, "rotate-key", None, rotate_key))


COMMANDS = (history_command, diff_command, reprocess_command, restore_command, rotate_key_command)
