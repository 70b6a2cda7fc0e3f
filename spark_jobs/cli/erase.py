"""The command that erases people."""

import getpass
from typing import Any

import click
from pyspark.sql import SparkSession

from spark_jobs.cli.options import finish, settings_options, start
from spark_jobs.errors import UsageError
from spark_jobs.lake.storage import exists, read_file
from spark_jobs.settings import absolute


@click.command("erase")
@click.argument("employee_ids", nargs=-1, metavar="EMPLOYEE_ID...")
@click.option(
    "--from-file", "place", help="a file of EMPLOYEE_IDs, one a line, so that no command line names them"
)
@click.option("--reason", help="why; it stays in the ledger of erasures, so it may not tell who")
@click.option("--by", help="who asks for it  [default: the user who runs this]")
@click.option("--again", is_flag=True, help="erase again all who have been erased, wherever they came back")
@settings_options
def erase_command(
    employee_ids: tuple[str, ...],
    place: str | None,
    reason: str | None,
    by: str | None,
    again: bool,
    **options: Any,
) -> None:
    """Erase people from landing, Bronze, quarantine, Silver, change feeds and old versions, for good.

    Nothing brings them back: a file delivered again, a restore and a reprocess leave them out. No
    older version of these tables can be read afterwards. Let no other job write meanwhile.
    """
    if again and (employee_ids or place or reason):
        raise UsageError(
            "--again takes neither EMPLOYEE_IDs (or a --from-file) nor a --reason: it erases all "
            "who were erased."
        )
    if not again and not ((employee_ids or place) and reason):
        raise UsageError(
            "Give one EMPLOYEE_ID or several (or a --from-file of them), and a --reason; or --again."
        )
    from spark_jobs.jobs.erase import Request, erase, erase_again
    from spark_jobs.jobs.runner import run_job

    settings, contract, spark = start(options)
    if place:
        employee_ids += _ids_of(spark, place)
    request = Request(employee_ids, reason or "", by or getpass.getuser())
    job = erase_again if again else lambda context: erase(context, request)
    finish(run_job(spark, settings, contract, "erase", None, job))


def _ids_of(spark: SparkSession, place: str) -> tuple[str, ...]:
    """The ids in a file, without blank lines. Raises UsageError where there is none."""
    place = absolute(place)
    if not exists(spark, place):
        raise UsageError(f"There is no file {place} (--from-file). In a pod: is the Secret there?")
    lines = read_file(spark, place).decode("utf-8").splitlines()
    ids = tuple(line.strip() for line in lines if line.strip())
    if not ids:
        raise UsageError(f"The file {place} (--from-file) names nobody: write one EMPLOYEE_ID a line.")
    return ids


COMMANDS = (erase_command,)
