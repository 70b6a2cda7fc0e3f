"""The sample feed: real MLB employments as ten dated deliveries, with a listed set of defects.

`write_sample_feed` fills a landing zone:

    <landing>/employees/2023-10-01/*.csv   seasons 1985-2013
    <landing>/employees/2023-10-02 ... 10  opening day, July and October of 2014, 2015, 2016
    <landing>/sample-feed.json             licence, and every defect with its expected outcome

One record is one employment: an employee of a team in a season. Names, teams and salaries are
real (Baseball Databank, CC BY-SA 3.0); SSN, e-mail and telephone are invented and look it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from spark_jobs.sample_feed.defects import TooFewRows, spoil
from spark_jobs.sample_feed.deliveries import build_feed
from spark_jobs.sample_feed.manifest import ATTRIBUTION, defect_list, path_of, render_manifest
from spark_jobs.sample_feed.records import HEADER
from spark_jobs.sample_feed.source import (
    Databank,
    SampleDataMissing,
    locate_zip,
    read_databank,
)
from spark_jobs.sample_feed.writer import render, write_file

__all__ = [
    "ATTRIBUTION",
    "HEADER",
    "DeliverySummary",
    "FeedSummary",
    "FileSummary",
    "SampleDataMissing",
    "TooFewRows",
    "write_sample_feed",
]


@dataclass(frozen=True, slots=True)
class FileSummary:
    """A delivered file. `rows` counts records without the header, spoiled ones too."""

    name: str
    rows: int
    written: bool
    """False where the same bytes lay there already."""


@dataclass(frozen=True, slots=True)
class DeliverySummary:
    """A day's files."""

    date: date
    files: tuple[FileSummary, ...]

    @property
    def rows(self) -> int:
        """Records of all the day's files."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True, slots=True)
class FeedSummary:
    """What was put into the landing zone."""

    deliveries: tuple[DeliverySummary, ...]
    defects: Mapping[str, int]
    """How many entries of the list of defects each class has."""
    manifest: Path
    """Where sample-feed.json lies."""


def write_sample_feed(
    landing: Path, *, teams: frozenset[str] | None = None, seed: int = 2023
) -> FeedSummary:
    """Write the ten deliveries into the landing zone.

    The same arguments give the same bytes, and what lies there already is not written again.
    `teams` reduces the feed to the rows of some teams (team_id as in the databank: NYA, BOS, CHN);
    the defects stay. `seed` decides which rows are stale, traded late or spoiled.

    Raises SampleDataMissing without the data, ValueError for a team that there is not, and
    TooFewRows for teams with too little to spoil.
    """
    databank = read_databank(locate_zip())
    _check_teams(databank, teams)
    feed = build_feed(databank, teams, seed)
    spoil(feed, seed)
    # All bytes are made before the first is written: an error leaves the landing zone as it was.
    content = [
        [(path_of(delivery, file), file, render(file)) for file in delivery.files]
        for delivery in feed.deliveries
    ]
    paper = render_manifest(feed.deliveries, teams, seed)
    summaries = [
        DeliverySummary(
            delivery.day,
            tuple(
                FileSummary(file.name, len(file.records), write_file(landing / path, data))
                for path, file, data in files
            ),
        )
        for delivery, files in zip(feed.deliveries, content, strict=True)
    ]
    manifest = landing / "sample-feed.json"
    write_file(manifest, paper)
    counts = Counter(entry["defect"] for entry in defect_list(feed.deliveries))
    return FeedSummary(tuple(summaries), dict(sorted(counts.items())), manifest)


def _check_teams(databank: Databank, teams: frozenset[str] | None) -> None:
    known = {team for season in databank.teams.values() for team in season}
    if unknown := sorted((teams or frozenset()) - known):
        raise ValueError(
            f"No team of 1985-2016 is called {', '.join(unknown)}: "
            "use the team_id of the databank, as NYA or BOS."
        )
