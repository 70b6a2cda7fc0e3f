"""The command line: one command a job, thin. The only place that reads arguments and prints."""

import click

from spark_jobs.cli import erase, look, maintain, quarantine, stages, travel
from spark_jobs.process.boundary import JobGroup


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


for _module in (stages, look, quarantine, travel, erase, maintain):
    for _command in _module.COMMANDS:
        main.add_command(_command)
