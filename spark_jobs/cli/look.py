"""The commands that look at the lake, and the one that makes a sample of what it is fed."""

import logging
from pathlib import Path
from typing import Any

import click
from pyspark.sql import SparkSession
from rich.console import Console

from spark_jobs.cli.options import settings_of, settings_options, start
from spark_jobs.contracts.contract import Contract
from spark_jobs.settings import Settings

log = logging.getLogger(__name__)


@click.command("gold")
@click.option("--season", type=int, help="the season to show  [default: the newest]")
@settings_options
def gold_command(season: int | None, **options: Any) -> None:
    """Print the Gold summaries of one season as tables."""
    from spark_jobs.report.tables import print_gold

    settings, _, spark = start(options)
    print_gold(spark, settings, Console(highlight=False), season)


@click.command("status")
@settings_options
def status_command(**options: Any) -> None:
    """Print the tables with their versions, rows and sizes, and the last runs."""
    from spark_jobs.report.tables import print_status

    settings, contract, spark = start(options)
    print_status(spark, settings, contract, Console(highlight=False))


@click.command("report")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="the file to write",
)
@settings_options
def report_command(output: Path, **options: Any) -> None:
    """Write the report: one self-contained HTML file that people look at in a browser."""
    settings, contract, spark = start(options)
    write_report_to(spark, settings, contract, output)


def write_report_to(spark: SparkSession, settings: Settings, contract: Contract, output: Path) -> None:
    """Write the report and say where it is."""
    from spark_jobs.report.page import write_report

    write_report(spark, settings, contract, output)
    log.info(f"The report is in {output.absolute()}")


@click.command("sample-feed")
@click.option("--teams", help="only these teams, for example NYA,BOS  [default: all]")
@settings_options
def sample_feed_command(teams: str | None, **options: Any) -> None:
    """Write ten real deliveries of seasons 1985 to 2016 into the landing zone, defects included."""
    from spark_jobs.sample_feed import write_sample_feed

    settings = settings_of(options)
    chosen = frozenset(teams.split(",")) if teams else None
    feed = write_sample_feed(Path(settings.landing_root), teams=chosen)
    for delivery in feed.deliveries:
        log.info(f"{delivery.date}  {len(delivery.files)} files  {delivery.rows:,} rows")
    log.info(f"The deliveries are in {settings.landing_root}")


COMMANDS = (gold_command, status_command, report_command, sample_feed_command)
