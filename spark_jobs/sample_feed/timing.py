"""When in a season something was written. Times are UTC, text as YYYY-MM-DDTHH:MM:SSZ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum

from spark_jobs.sample_feed.choice import number
from spark_jobs.sample_feed.records import Key

FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class Moment(Enum):
    """The days of a season on which the sender writes: (month, day), in their order."""

    OPENING = (4, 3)
    LATE = (5, 20)
    JULY = (7, 31)
    OCTOBER = (9, 28)
    TERMINATION = (10, 1)


def stamp(moment: Moment, key: Key) -> str:
    """The time at which the sender wrote this employment: a minute and second of its own."""
    _, season, _ = key
    start = datetime(season, *moment.value, tzinfo=UTC)
    return (start + timedelta(seconds=number("time", *key) % 86_400)).strftime(FORMAT)


def day_before(updated_at: str) -> str:
    """The same time a day earlier.

    >>> day_before("2014-04-03T10:20:30Z")
    '2014-04-02T10:20:30Z'
    """
    return (datetime.strptime(updated_at, FORMAT) - timedelta(days=1)).strftime(FORMAT)
