"""How fresh Gold is: the newest delivery in it, and when it was published."""

import datetime as dt
from collections.abc import Callable, Sequence

from metrics_exporter.lake import LakeReader, query
from metrics_exporter.ledger import Run, newest_point
from metrics_exporter.samples import Sample, sample, timestamp

LOADS = "ops/loads"


def gold_samples(runs: Sequence[Run], newest_delivery: Callable[[int], dt.date | None]) -> list[Sample]:
    """What the newest consistent point says; `newest_delivery` reads it of a version of `ops/loads`."""
    point = newest_point(runs)
    if point is None or point.point is None:
        return []
    found = [sample("mlb_gold_published_timestamp_seconds", point.finished_at)]
    version = point.point.get(LOADS, -1)
    newest = newest_delivery(version) if version >= 0 else None
    if newest:
        found.append(sample("mlb_gold_newest_delivery_timestamp_seconds", timestamp(newest)))
    return found


def newest_delivery_at(lake: LakeReader, dataset: str, version: int) -> dt.date | None:
    """The newest delivery that had been given to Silver at a version of `ops/loads`."""
    wanted = dataset.replace("'", "''")
    sql = f"SELECT max(_delivery_date) AS newest FROM t WHERE dataset = '{wanted}'"
    return query(lake.at(LOADS, version), sql)[0]["newest"]
