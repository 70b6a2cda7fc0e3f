"""The command line: one command a job, thin. The only place that reads arguments and prints."""

import sys
from typing import Any

import click

from spark_jobs.cli import look, quarantine, stages, travel
from spark_jobs.cli.options import terminal
from spark_jobs.errors import JobError


class _Sentences(click.Group):
    """Ends on a JobError with its sentence and its exit code, never with a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except JobError as error:
            terminal.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
            sys.exit(error.exit_code)


@click.group(cls=_Sentences, context_settings={"help_option_names": ["-h", "--help"]})
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
    Exit codes:  0 done, 1 worth a retry, 2 wrong usage, 3 bad data (no retry helps).

    Every job may be run again at any time: a second run changes nothing. The last line on standard
    output is the run's row of the ledger, as JSON.
    """


for _module in (stages, look, quarantine, travel):
    for _command in _module.COMMANDS:
        main.add_command(_command)
