"""The command that erases people."""

import getpass
from typing import Any

import click

from spark_jobs.cli.options import finish, settings_options, start
from spark_jobs.errors import UsageError


@click.command("erase")
@click.argument("employee_ids", nargs=-1, metavar="EMPLOYEE_ID...")
@click.option("--reason", help="why; it stays in the ledger of erasures, so it may not tell who")
@click.option("--by", help="who asks for it  [default: the user who runs this]")
@click.option("--again", is_flag=True, help="erase again all who have been erased, wherever they came back")
@settings_options
def erase_command(
    employee_ids: tuple[str, ...], reason: str | None, by: str | None, again: bool, **options: Any
) -> None:
    """Erase people from landing, Bronze, quarantine, Silver, change feeds and old versions, for good.

    Nothing brings them back: a file delivered again, a restore and a reprocess leave them out. No
    older version of these tables can be read afterwards. Let no other job write meanwhile.
    """
    if again and (employee_ids or reason):
        raise UsageError(
            "--again takes neither an EMPLOYEE_ID nor a --reason: it erases all who were erased."
        )
    if not again and not (employee_ids and reason):
        raise UsageError("Give one EMPLOYEE_ID or several, and a --reason; or --again.")
    from spark_jobs.jobs.erase import Request, erase
    from spark_jobs.jobs.erasures import apply_erasures
    from spark_jobs.jobs.runner import run_job

    settings, contract, spark = start(options)
    request = Request(employee_ids, reason or "", by or getpass.getuser())
    job = apply_erasures if again else lambda context: erase(context, request)
    finish(run_job(spark, settings, contract, "erase", None, job))


COMMANDS = (erase_command,)
