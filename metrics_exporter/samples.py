"""Samples: figures under the catalogue's names, with labels that can only be short words."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from metrics_exporter.catalogue import METRICS

_BY_NAME = {metric.name: metric for metric in METRICS}
#: Names of jobs, tables, outcomes, codes and days. What is none of these is nobody's business.
_WORD = re.compile(r"[a-z0-9][a-z0-9_/-]{0,63}")
OTHER = "other"


@dataclass(frozen=True)
class Sample:
    """One figure of one metric."""

    name: str
    labels: tuple[str, ...]
    value: float


def sample(name: str, value: float, *labels: str) -> Sample:
    """A sample; the labels' values in the catalogue's order. A value that is no plain word is `other`."""
    metric = _BY_NAME[name]
    if len(labels) != len(metric.labels):
        raise ValueError(f"{name} has the labels {metric.labels}, and got {labels}.")
    return Sample(name, tuple(word(label) for label in labels), float(value))


def samples(name: str, values: Mapping[tuple[str, ...], float]) -> Iterable[Sample]:
    """Samples of one metric by labels; those whose labels have become the same are added up."""
    summed: dict[tuple[str, ...], float] = {}
    for labels, value in values.items():
        words = tuple(word(label) for label in labels)
        summed[words] = summed.get(words, 0) + value
    return [sample(name, value, *labels) for labels, value in summed.items()]


def word(text: str) -> str:
    """The text if it is a plain word, else `other`."""
    return text if _WORD.fullmatch(text) else OTHER


def timestamp(at: dt.datetime | dt.date) -> float:
    """Seconds since 1970. A day stands for its midnight; what has no time zone is UTC."""
    if not isinstance(at, dt.datetime):
        at = dt.datetime.combine(at, dt.time())
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp()
