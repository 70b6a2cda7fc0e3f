"""Rebuilt tables, beside the live ones, to be looked at and compared before they go live."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import UsageError
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.delivered import all_bronze_as_decided
from spark_jobs.jobs.load import loaded_dates
from spark_jobs.jobs.rebuild import (
    Staging,
    Tables,
    gold_tables,
    held_back,
    refused,
    resolved,
    silver_tables,
)
from spark_jobs.lake.joins import matching
from spark_jobs.lake.lake import Differences
from spark_jobs.lake.tables import LOADS, REBUILD, Table
from spark_jobs.quarantine.refused import keep_reasons, refused_rows, settled
from spark_jobs.silver.batch import SUPERSEDED


@dataclass(frozen=True)
class Rebuilt:
    """The rebuilt tables as they lie beside the live ones, and the deliveries that Silver is made of.

    `judged` are the present rows of the quarantine that its rebuilt ones replace; of the other tables
    they replace all.
    """

    staging: DataFrame
    loaded: list[dt.date]
    quarantine: DataFrame
    judged: DataFrame
    published: Tables


def rebuild_beside(job: JobContext, staging: Staging, seasons: Sequence[int]) -> Rebuilt:
    """Rebuild all tables after Bronze from its staged rows; with `seasons` only these are staged anew."""
    rows, reduced, loaded = staging.rows, staging.reduced, loaded_dates(job)
    if seasons:
        rows, reduced = _of_seasons(job, staging, seasons)
    else:
        loaded = [date for date in loaded if date in staging.dates and date not in staging.left_out]
    staged = _beside(job, [(job.tables.staging, rows)])[0]
    versions = resolved(job, staged, loaded)
    held = held_back(job, staged, versions, loaded).unionByName(staging.held_of_left_out)
    quarantine, judged = _quarantine(job, reduced, held.localCheckpoint(), versions)
    silver = silver_tables(job, versions)
    refused_beside, *silver_rows = _beside(job, [(job.tables.quarantine, quarantine), *silver])
    gold = gold_tables(silver_rows[-1])
    tables = [table for table, _ in (*silver, *gold)]
    contents = [*silver_rows, *_beside(job, gold)]
    return Rebuilt(staged, loaded, refused_beside, judged, list(zip(tables, contents, strict=True)))


def _of_seasons(job: JobContext, staging: Staging, seasons: Sequence[int]) -> tuple[DataFrame, DataFrame]:
    """The live staged rows with those of some seasons replaced, and Bronze's reduced rows of these."""
    live, season = job.lake.read(job.tables.staging), F.col(job.contract.partition)
    known = {r[0] for frame in (live, staging.rows) for r in frame.select(season).distinct().collect()}
    unknown = sorted(set(seasons) - known)
    if unknown:
        raise UsageError(
            f"There is no row of season {', '.join(map(str, unknown))}, neither in Bronze nor staged: "
            f"there are {', '.join(map(str, sorted(known))) or 'none'}."
        )
    chosen = season.isin(*seasons)
    return staging.rows.where(chosen).unionByName(live.where(~chosen)), staging.reduced.where(chosen)


def _quarantine(
    job: JobContext, reduced: DataFrame, held: DataFrame, versions: DataFrame
) -> tuple[DataFrame, DataFrame]:
    """The quarantine's rows about what has been judged anew, as they should be and as they are."""
    table = job.tables.quarantine
    judged = reduced.select("_row_id").unionByName(versions.select("_row_id"))
    present = job.lake.read(table).where(F.col("kind") == "row")
    present = matching(present, judged, ["_row_id"]).localCheckpoint()
    held = matching(held, judged, ["_row_id"])
    # Of all Bronze: a row that is held back need not be among those that were judged anew.
    rows = refused_rows(refused(reduced, held), all_bronze_as_decided(job), job.contract)
    if job.lake.exists(job.tables.attempts):
        rows = keep_reasons(rows, present)
    superseded = reduced.where(F.col("_outcome") == SUPERSEDED)
    return settled(present, rows, superseded), present


def _beside(job: JobContext, tables: Tables) -> list[DataFrame]:
    """Write rebuilt rows beside the live tables, and read them there."""

    def write(table: Table, rows: DataFrame) -> DataFrame:
        beside = dataclasses.replace(table, name=f"{REBUILD}/{table.name}", change_feed=False)
        job.lake.write_anew(beside, rows)
        return job.lake.read(beside)

    return job.lake.together(*(partial(write, table, rows) for table, rows in tables))


def compare_with_live(job: JobContext, rebuilt: Rebuilt) -> list[Differences]:
    """What would change in each live table, in the order in which they go live."""
    tables, dataset, compare = job.tables, job.contract.dataset, job.lake.compare
    marks = job.spark.createDataFrame([(dataset, date) for date in rebuilt.loaded], LOADS.schema)
    present = job.lake.read(LOADS).where(F.col("dataset") == dataset)
    whole = [(tables.staging, rebuilt.staging), *rebuilt.published]
    staging, *published = (partial(compare, table, rows, job.lake.read(table)) for table, rows in whole)
    return job.lake.together(
        staging,
        partial(compare, LOADS, marks.coalesce(1), present),
        partial(compare, tables.quarantine, rebuilt.quarantine, rebuilt.judged),
        *published,
    )
