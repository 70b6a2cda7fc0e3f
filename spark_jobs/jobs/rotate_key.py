"""rotate-key: every pseudonym again under a new key, from the values in clear in Bronze.

Each table changes in one commit, so that old and new pseudonyms never stand in it side by side.
"""

import dataclasses

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import JobError, UsageError
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.delivered import all_bronze_as_decided
from spark_jobs.jobs.load import loaded_dates
from spark_jobs.jobs.publish import publish
from spark_jobs.jobs.rebuild import resolved, silver_tables
from spark_jobs.lake.lake import Differences
from spark_jobs.lake.tables import Table
from spark_jobs.privacy.new_key import new_key
from spark_jobs.privacy.pseudonyms import KEY_PROPERTY, key_id, pseudonymise
from spark_jobs.silver.clean import clean

#: Property of staging while a rotation is under way: the id of the key that it rotates to.
ROTATING_PROPERTY = "mlb.rotatingTo"


def rotate_key(job: JobContext) -> None:
    """Bring staging, identities, history and current rows to the new key; nothing else of them changes.

    Staged rows get the pseudonyms of the Bronze rows that they came from; Silver follows from them.
    Raises UsageError, before anything is changed, where Bronze does not yield every row that they
    have. Gold holds no pseudonym.
    """
    staging = job.tables.staging
    if not job.lake.exists(staging):
        raise JobError("There are no pseudonyms yet, so there is no key to change.")
    new = new_key(job.settings, job.lake.property(staging, ROTATING_PROPERTY))
    name = key_id(new.key)
    staged = _staged(job, new.key).localCheckpoint()
    versions = resolved(job, staged, loaded_dates(job))
    wanted = [(staging, staged), *silver_tables(job, versions)]
    changes = [_change(job, table, rows) for table, rows in wanted]
    publish(
        job,
        changes,
        begin={ROTATING_PROPERTY: name},
        end={KEY_PROPERTY: name},
        before_end=new.install,
    )
    if new.place is None:
        job.run.notes.append("From now on every job needs the new key in place of the old one.")


def _staged(job: JobContext, key: bytes) -> DataFrame:
    """The staged rows as they are, with the pseudonyms that their Bronze rows have under a key."""
    contract, staging = job.contract, job.tables.staging
    direct = contract.names_of("direct_identifier")
    made = pseudonymise(clean(all_bronze_as_decided(job), contract), contract, key)
    made = made.selectExpr("_row_id AS _made_of", *(f"{name} AS _new_{name}" for name in direct))
    rows = job.lake.read(staging).join(made, F.col("_row_id") == F.col("_made_of"), how="left")
    # Null in the one and not in the other: they are not the same value.
    yields = " AND ".join(["_made_of IS NOT NULL", *(f"(isnull({n}) = isnull(_new_{n}))" for n in direct)])
    _refuse_unless_none(job, staging, rows.where(f"NOT ({yields})").count())
    return rows.selectExpr(
        *(f"_new_{name} AS {name}" if name in direct else name for name in staging.schema.names)
    )


def _change(job: JobContext, table: Table, rows: DataFrame) -> Differences:
    """What changes in the table: pseudonyms. Refused where anything else would."""
    direct = job.contract.names_of("direct_identifier")
    kept = [field for field in table.schema if field.name not in direct]
    columns = ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in kept)
    rest = dataclasses.replace(table, columns=columns)
    present = job.lake.read(table)
    _refuse_unless_none(job, table, job.lake.compare(rest, rows, present).synced.changed)
    return job.lake.compare(table, rows, present)


def _refuse_unless_none(job: JobContext, table: Table, rows: int) -> None:
    if rows:
        raise UsageError(
            f"{rows} rows of {table.name} do not follow from Bronze as it is now, so that their pseudonyms "
            "cannot be made again: run etl and load for deliveries that wait for them, or reprocess, and "
            "then rotate the key. Nothing was changed."
        )
