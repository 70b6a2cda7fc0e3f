"""reprocess: Silver, history and Gold anew from Bronze as it is or was, under the contract of today."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from spark_jobs.errors import JobError, UsageError
from spark_jobs.jobs.beside import compare_with_live, rebuild_beside
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.delivered import all_bronze_as_decided
from spark_jobs.jobs.erasures import apply_erasures
from spark_jobs.jobs.etl import check_key
from spark_jobs.jobs.load import loaded_dates
from spark_jobs.jobs.publish import publish
from spark_jobs.jobs.quality import refresh_quality, tell
from spark_jobs.jobs.rebuild import Staging, stage_all
from spark_jobs.lake.lake import Differences, Lake, Synced
from spark_jobs.lake.storage import delete
from spark_jobs.lake.tables import REBUILD, Table
from spark_jobs.lake.travel import check_reachable, check_version, oldest_reachable, stamp, version_at
from spark_jobs.privacy.pseudonyms import KEY_PROPERTY, key_id, load_key


@dataclass(frozen=True)
class Comparison:
    """How a rebuilt table differs from the live one."""

    table: str
    rows_before: int
    differences: Synced

    @property
    def rows_after(self) -> int:
        """The rebuilt table's rows."""
        return self.rows_before + self.differences.inserted - self.differences.deleted


def reprocess(
    job: JobContext,
    version: int | None = None,
    as_of: dt.datetime | None = None,
    seasons: Sequence[int] = (),
    dry_run: bool = False,
) -> list[Comparison]:
    """Rebuild all tables after Bronze beside the live ones, compare them, and make them live.

    Bronze is read at a version, as of a time, or (neither given) as it is, with what people have decided
    of its rows until today. With `seasons` only rows of these are staged anew; what follows from
    the staged rows is rebuilt whole. `dry_run` ends before anything is made live. Raises UsageError
    for a version, time or season that is not there, or can no longer be read.
    """
    _note_parameters(job, version, as_of, seasons, dry_run)
    key = load_key(job.settings)
    check_key(job, key)
    version = _bronze_version(job, version, as_of)
    _check_columns(job)
    bronze = all_bronze_as_decided(job, version)
    staging = stage_all(job, bronze, key)
    rebuilt = rebuild_beside(job, staging, seasons)
    if not seasons:
        _tell_dates(job, staging, rebuilt.loaded)
    changes = compare_with_live(job, rebuilt)
    told = job.lake.together(*(partial(comparison, job, change) for change in changes))
    if dry_run:
        job.run.notes.append(
            f"Nothing was made live: the rebuilt tables are in {job.lake.root}/{REBUILD}, until the "
            "next reprocess, a week at most."
        )
    else:
        made_under = {KEY_PROPERTY: key_id(key)}
        tell(job, staging.counts)
        publish(job, changes, made_under, made_under, before_end=partial(apply_erasures, job))
        refresh_quality(job)
        delete(job.spark, f"{job.lake.root}/{REBUILD}")
    return told


def _note_parameters(
    job: JobContext,
    version: int | None,
    as_of: dt.datetime | None,
    seasons: Sequence[int],
    dry_run: bool,
) -> None:
    given = {
        "bronze_version": version,
        "bronze_as_of": as_of and as_of.isoformat(),
        "seasons": ",".join(map(str, seasons)),
        "dry_run": dry_run or None,
    }
    noted = {name: str(value) for name, value in given.items() if value not in (None, "")}
    job.run.parameters.update(noted)


def _bronze_version(job: JobContext, version: int | None, as_of: dt.datetime | None) -> int:
    bronze = job.tables.bronze
    newest = job.lake.version(bronze)
    if newest < 0:
        raise JobError("There is no Bronze yet: run ingest first.")
    if as_of is not None:
        if as_of > job.run.started_at:
            raise UsageError(f"{stamp(as_of)} is in the future.")
        version = version_at(job.lake, bronze, as_of)
    version = newest if version is None else version
    check_version(job.lake, bronze, version)
    check_reachable(job.lake, [(bronze, version)], lambda: other_bronze(job.lake, bronze))
    return version


def other_bronze(lake: Lake, bronze: Table) -> str:
    """From which versions of Bronze Silver and Gold can be rebuilt, as the end of a sentence."""
    oldest = oldest_reachable(lake, bronze)
    if oldest is None:
        return "nothing can be rebuilt from Bronze, which has lost files itself: deliver them again."
    return (
        f"Silver and Gold can be rebuilt from Bronze at version {oldest} or a later one "
        f"(spark-jobs reprocess --bronze-version {oldest})."
    )


def _check_columns(job: JobContext) -> None:
    """The contract may have other rules, but not other columns than the tables."""
    for table in (*job.tables.all, *job.published):
        if not job.lake.exists(table):
            continue
        live = job.spark.read.format("delta").load(job.lake.path(table)).schema
        there = {field.name: field.dataType.simpleString() for field in live}
        wanted = {field.name: field.dataType.simpleString() for field in table.schema}
        differing = sorted(name for name in {*there, *wanted} if there.get(name) != wanted.get(name))
        if differing:
            raise UsageError(
                f"The contract and {table.name} differ in the columns {', '.join(differing)}: reprocess "
                "rebuilds rows under other rules, and changes no columns. Start a new lake for "
                "these, from the same landing zone."
            )


def comparison(job: JobContext, change: Differences) -> Comparison:
    """How a table would change, also noted among the run's rows."""
    table = change.table
    told = Comparison(table.name, job.lake.read(table).count(), change.synced)
    for name, count in (
        ("added", change.synced.inserted),
        ("changed", change.synced.updated),
        ("removed", change.synced.deleted),
    ):
        if count:
            job.run.rows[f"{table.name} {name}"] = count
    return told


def _tell_dates(job: JobContext, staging: Staging, loaded: Sequence[dt.date]) -> None:
    def note(dates: set[dt.date], said: str) -> None:
        if dates:
            job.run.notes.append(f"{', '.join(map(str, sorted(dates)))}: {said}")

    left_out = set(staging.left_out)
    limit = f"{job.settings.quarantine_limit:.0%}"
    note(left_out, f"left out, since more than {limit} of the delivery's rows are refused.")
    gone = set(loaded_dates(job)) - set(staging.dates)
    note(
        gone,
        "not in this version of Bronze, so not in Silver; run etl and load to bring them in.",
    )
    waiting = set(staging.dates) - left_out - set(loaded)
    note(waiting, "staged, and not in Silver until load is run for them.")
