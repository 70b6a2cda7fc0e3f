"""The command of the upkeep."""

from typing import Any

import click

from spark_jobs.cli.options import finish, settings_options, start


@click.command("maintain")
@settings_options
def maintain_command(**options: Any) -> None:
    """Weekly upkeep: compact small files, and delete those that no promised version needs."""
    from spark_jobs.jobs.maintain import maintain
    from spark_jobs.jobs.runner import run_job

    settings, contract, spark = start(options)
    finish(run_job(spark, settings, contract, "maintain", None, maintain))


COMMANDS = (maintain_command,)
