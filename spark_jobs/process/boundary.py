"""The edge of the process: whatever ends a command becomes a sentence, an exit code and a message."""

import datetime as dt
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from spark_jobs.errors import JobError, JobStopped
from spark_jobs.ledger import Run
from spark_jobs.process.failure import failure_sentence
from spark_jobs.process.logs import logging_to
from spark_jobs.process.stopping import STOPPED, Interrupted, sigterm_ends_jobs
from spark_jobs.process.termination import (
    message_of_failure,
    message_of_run,
    message_of_runs,
    write_message,
)
from spark_jobs.settings import ProcessSettings

log = logging.getLogger(__name__)


class Ending:
    """What is known when a command ends: its name, its delivery, and the runs that have ended."""

    def __init__(self, settings: ProcessSettings, context: click.Context) -> None:
        self.settings = settings
        self.context = context
        self.delivery_date: dt.date | None = None
        self.runs: Sequence[Run] = ()

    def tell(self, exit_code: int, error: str | None = None) -> None:
        """Write the termination message: of the runs, or of the error that kept them from ending."""
        if error or not self.runs:
            message = message_of_failure(
                exit_code,
                error,
                job=self.context.invoked_subcommand,
                delivery_date=self.delivery_date and str(self.delivery_date),
                run_id=self.settings.run_id,
            )
        elif len(self.runs) == 1:
            message = message_of_run(self.runs[0])
        else:
            message = message_of_runs(self.runs, exit_code)
        write_message(self.settings.termination_log, message)


class JobGroup(click.Group):
    """Commands that end with a sentence and an exit code, never with a stack trace on the terminal.

    Their context's object is the command's Ending.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command to its end, whatever that is."""
        settings = _process_settings()
        ending = ctx.obj = Ending(settings, ctx)
        stopped = sigterm_ends_jobs(lambda sentence: ending.tell(JobStopped.exit_code, sentence))
        with logging_to(settings), stopped:
            try:
                result = super().invoke(ctx)
                ending.tell(0)
                return result
            except (click.exceptions.Exit, click.Abort, KeyboardInterrupt):
                raise
            except click.ClickException as error:
                ending.tell(error.exit_code, error.format_message())
                if settings.log_format == "text":
                    raise  # click shows the usage, too
                log.error("error: %s", error.format_message())
                sys.exit(error.exit_code)
            except BaseException as error:
                sys.exit(_end(ending, error))


def _end(ending: Ending, error: BaseException) -> int:
    """Say what ended the command; its exit code."""
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        ending.tell(error.code)
        return error.code
    if isinstance(error, JobError):
        exit_code, sentence = error.exit_code, str(error)
    elif isinstance(error, Interrupted):
        exit_code, sentence = JobStopped.exit_code, STOPPED
    else:
        log.error("The command failed.", exc_info=error)
        exit_code, sentence = 1, failure_sentence(error)
    log.error("error: %s", sentence)
    ending.tell(exit_code, sentence)
    return exit_code


def _process_settings() -> ProcessSettings:
    try:
        return ProcessSettings()
    except ValidationError:
        # The command says what is wrong with them; here they are only needed to say it.
        file = os.environ.get("MLB_TERMINATION_LOG")
        return ProcessSettings.model_construct(termination_log=Path(file) if file else None)
