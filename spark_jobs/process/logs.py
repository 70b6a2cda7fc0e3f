"""The log of a job: lines for people on a terminal, or lines of JSON in a cluster.

As JSON, one object a line: time, level, logger, message, job, delivery_date, run_id, and exception
where there is one. Spark's own log has the same fields (spark_jobs/lake/log4j2-json.properties).
"""

import contextlib
import datetime as dt
import json
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from spark_jobs.ledger import Run
from spark_jobs.settings import ProcessSettings

#: The logger above all others of this package.
NAME = "spark_jobs"
_STYLES = {logging.WARNING: "yellow", logging.ERROR: "red"}
_run: ContextVar[Run | None] = ContextVar("run", default=None)


class JsonFormatter(logging.Formatter):
    """One record as one line of JSON."""

    def __init__(self, run_id: str | None = None) -> None:
        super().__init__()
        self._run_id = run_id

    def format(self, record: logging.LogRecord) -> str:
        """The record, with the run that it belongs to."""
        run = getattr(record, "run", None) or _run.get()
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "run_id": run.run_id if run else self._run_id or "",
            "job": run.job if run else "",
            "delivery_date": str(run.delivery_date) if run else "",
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TerminalHandler(logging.Handler):
    """Sentences on standard error, in the colour of their level. Stack traces are for the log file."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(lambda record: not record.exc_info)

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message as it is, however wide the terminal is."""
        text = Text(record.getMessage(), style=_STYLES.get(record.levelno, ""))
        text.highlight_regex(r"  ok(?=  |$)", "green")
        Console(stderr=True, highlight=False).print(text, soft_wrap=True)


class _StoryHandler(logging.FileHandler):
    """Stack traces, to the file that holds Spark's log; made when there is one."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, encoding="utf-8", delay=True)
        self.addFilter(lambda record: bool(record.exc_info))
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))


def set_up_logging(settings: ProcessSettings) -> None:
    """Send this package's log to the terminal and a file, or as JSON to standard error."""
    logger = logging.getLogger(NAME)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    if settings.log_format == "json":
        as_json = logging.StreamHandler(sys.stderr)
        as_json.setFormatter(JsonFormatter(settings.run_id))
        logger.addHandler(as_json)
    else:
        logger.addHandler(TerminalHandler())
        logger.addHandler(_StoryHandler(settings.spark_log))


@contextlib.contextmanager
def logging_run(run: Run) -> Iterator[None]:
    """Within it, what this thread logs belongs to the run."""
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)
