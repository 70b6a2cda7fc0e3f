"""Runs two commands beside each other: two threads, each with a session of its own, as `run` has lanes.

The commands are the command line's own, but for what a process has once: the lock of a lake on this
machine, which lets one process in, its signals, and its log. How each ends is told as it says it itself.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import click
from pyspark import inheritable_thread_target
from pyspark.sql import SparkSession

from spark_jobs.cli import erase, main, maintain, quarantine, stages, travel
from spark_jobs.cli.options import settings_of
from spark_jobs.contracts.contract import Contract, read_contract
from spark_jobs.errors import JobError
from spark_jobs.jobs import erasures
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.purge import purge
from spark_jobs.lake.tables import Table
from spark_jobs.process.boundary import Ending
from spark_jobs.settings import ProcessSettings, Settings
from tests.reliability.faults.scenario import environment
from tests.reliability.faults.steps import Steps, watched_apart
from tests.reliability.races.meeting import Meeting

#: What a run says that has met an error for which it has no sentence of its own.
UNFORESEEN = ("The whole story is in", "The ledger has no row")


@dataclass(frozen=True)
class Ended:
    """How a command has ended: its exit code, and its sentence where it failed."""

    exit_code: int
    said: str = ""

    @property
    def unforeseen(self) -> bool:
        """Whether it failed by what is no sentence of its own."""
        return any(text in self.said for text in UNFORESEEN)


class _Commands:
    """The two commands of a race; `start` stands in for what the command line starts."""

    def __init__(self, spark: SparkSession, meeting: Meeting) -> None:
        self._own = threading.local()
        self._meeting = meeting
        self.sessions = (spark.newSession(), spark.newSession())
        self.steps = tuple(Steps(meeting.watch(who)) for who in (0, 1))
        self.ended = [Ended(1, "It has not run."), Ended(1, "It has not run.")]

    def start(self, options: dict[str, Any]) -> tuple[Settings, Contract, SparkSession]:
        settings = settings_of(options)
        return settings, read_contract(settings.contract), self._own.session

    def whose(self, session: SparkSession) -> Steps:
        return self.steps[self.sessions.index(session)]

    def run(self, who: int, command: Sequence[str]) -> None:
        self._own.session = self.sessions[who]
        try:
            self.ended[who] = _run(command)
        except BaseException as error:  # told to the race
            logging.getLogger("spark_jobs").exception("%s", command)
            self.ended[who] = Ended(1, f"{UNFORESEEN[0]} its traceback: {type(error).__name__}: {error}")
        finally:
            self._meeting.end(who)


def _run(command: Sequence[str]) -> Ended:
    chosen = main.commands[command[0]]
    ending = Ending(ProcessSettings(), click.Context(chosen))
    try:
        chosen.main(list(command[1:]), prog_name=command[0], standalone_mode=False, obj=ending)
    except JobError as error:
        return Ended(error.exit_code, str(error))
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
        return Ended(code, " ".join(run.error for run in ending.runs if run.error))
    return Ended(0)


def beside(
    spark: SparkSession, folder: Path, commands: tuple[Sequence[str], Sequence[str]], meeting: Meeting
) -> list[Ended]:
    """Run two commands on the lake in a folder at the same time, and let them meet."""
    both = _Commands(spark, meeting)
    with _process(folder), contextlib.ExitStack() as patches:
        for module in (stages, quarantine, travel, erase, maintain):
            patches.enter_context(mock.patch.object(module, "start", both.start))
        # No lock keeps the two apart, so that an erasure leaves others' files alone, as it does on S3.
        patches.enter_context(mock.patch.object(erasures, "purge", _purge_beside_others))
        patches.enter_context(watched_apart(both.whose))
        threads = [
            threading.Thread(target=inheritable_thread_target(session)(both.run), args=(who, command))
            for who, (session, command) in enumerate(zip(both.sessions, commands, strict=True))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return both.ended


def _purge_beside_others(lake: Lake, tables: Sequence[Table], alone: bool) -> None:
    purge(lake, tables, alone=False)


@contextlib.contextmanager
def _process(folder: Path) -> Iterator[None]:
    """What the two have in common: settings, and a file for their log and output."""
    handler = logging.FileHandler(folder / "out.log")
    with (
        mock.patch.dict(os.environ, environment(folder)),
        (folder / "out.log").open("a") as out,
        contextlib.redirect_stdout(out),
    ):
        logging.getLogger("spark_jobs").addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger("spark_jobs").removeHandler(handler)
            handler.close()
