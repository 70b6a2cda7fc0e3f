"""What can go wrong, as exceptions that know their exit code and say one sentence."""

import re
from collections.abc import Callable


class JobError(Exception):
    """A failure that is told in one sentence. Exit code 1: worth a retry.

    `for_others` is the sentence as it may leave the platform (lineage). It differs where the sentence
    passes on what Spark or Java said, which may quote a value.
    """

    exit_code = 1

    def __init__(self, sentence: str = "", for_others: str | None = None) -> None:
        super().__init__(sentence)
        self.for_others = for_others or sentence


class DeliveryNotThere(JobError):
    """The delivery has not arrived (yet); a retry may find it."""


class UsageError(JobError):
    """An argument, a setting or the contract is wrong; a retry changes nothing."""

    exit_code = 2


class BadDelivery(JobError):
    """A whole delivery is refused; a retry changes nothing until it is mended."""

    exit_code = 3


class ConservationError(JobError):
    """Rows in and rows out do not add up: a defect of this program, never of the data."""


class JobStopped(JobError):
    """The job was told to end, and did. Exit code 143, as SIGTERM's always is: worth a retry."""

    exit_code = 143


#: What Spark, Java and Python quote in their errors may be a value of somebody's row; a path, or the name
#: of a type in SQL, is none. The same stands in lake/log4j2-template.json, for what Java logs by itself.
_QUOTED = (
    (re.compile(r"(?<!\w)'(?!/|\w+:/)[^\n]*?'(?!\w)"), "'…'"),
    (
        re.compile(
            r'(?<!\w)"(?!/|\w+:/|(?:[A-Z]+INT|INT|STRING|DOUBLE|DECIMAL|DATE|TIMESTAMP|BOOLEAN)\b)[^\n]*?"'
        ),
        '"…"',
    ),
    (re.compile(r"\b(value )[-\d.]+\w*|[-\d.]+(?= cannot be represented)"), r"\1…"),
)


def without_values(text: str) -> str:
    """An error's text without what it quotes, since that may be of a person."""
    for pattern, instead in _QUOTED:
        text = pattern.sub(instead, text)
    return text


def sentence_of(error: BaseException) -> str:
    """The first line of an error as a sentence, without values: Spark's messages go on for pages."""
    message = getattr(error, "getMessage", None)
    if message:  # Spark's own (PySparkException)
        text = _told(message) or str(error)
    else:  # Java's, by way of py4j; else Python's
        text = str(getattr(error, "java_exception", "")) or f"{type(error).__name__}: {error}"
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return without_values(first)[:300].rstrip(".:") + "."


def _told(message: Callable[[], str | None]) -> str | None:
    try:
        return message()
    except Exception:  # Spark's way to a message fails for Delta's errors, whose texts it does not know
        return None
