"""The log of a job: lines for people on a terminal, or lines of JSON in a cluster.

As JSON, one object a line: time, level, logger, message, job, delivery_date, run_id, and exception
where there is one. Spark's own log has the same fields (spark_jobs/lake/log4j2-json.properties). What an
error quotes is left out there, since logs go to where people are not to be found.
"""

import contextlib
import datetime as dt
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from spark_jobs.errors import without_values
from spark_jobs.ledger import Run
from spark_jobs.settings import ProcessSettings

#: The logger above all others of this package.
NAME = "spark_jobs"
#: PySpark's own, which say Spark's errors on standard error once more, with the value.
_TELL_VALUES = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
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
            "delivery_date": str(run.delivery_date or "") if run else "",
        }
        if record.exc_info:
            line["exception"] = without_values(self.formatException(record.exc_info))
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


class JsonLines(io.TextIOBase):
    """Standard error where the log is JSON: what others print there (Java, a library) becomes JSON too."""

    def __init__(self, stream: TextIO, run_id: str | None) -> None:
        self._stream = stream
        self._formatter = JsonFormatter(run_id)
        self._rest = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        """Pass on whole lines."""
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            for line in filter(str.strip, lines):
                self._stream.write(line if line.startswith("{") else self._as_json(line))
                self._stream.write("\n")
            self._stream.flush()
        return len(text)

    def _as_json(self, line: str) -> str:
        return self._formatter.format(
            logging.makeLogRecord({"name": "stderr", "msg": without_values(line), "levelname": "INFO"})
        )


@contextlib.contextmanager
def logging_to(settings: ProcessSettings) -> Iterator[None]:
    """Send the log to the terminal and a file; or, with what others print, to standard error as JSON."""
    package = logging.getLogger(NAME)
    package.setLevel(logging.INFO)
    for name in _TELL_VALUES:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        if settings.log_format == "json":
            stream = JsonLines(sys.stderr, settings.run_id)
            stack.enter_context(contextlib.redirect_stderr(stream))
            handler = logging.StreamHandler(stream)
            handler.setFormatter(JsonFormatter(settings.run_id))
            added = [(logging.getLogger(), handler)]
        else:
            added = [(package, TerminalHandler()), (package, _StoryHandler(settings.spark_log))]
        for logger, handler in added:
            logger.addHandler(handler)
            stack.callback(logger.removeHandler, handler)
        yield


@contextlib.contextmanager
def logging_run(run: Run) -> Iterator[None]:
    """Within it, what this thread logs belongs to the run."""
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)
