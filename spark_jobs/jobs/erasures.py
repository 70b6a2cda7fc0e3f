"""The ledger of erasures at work: who is in it, and their rows out of landing, tables and old files."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from spark_jobs.errors import JobError, UsageError
from spark_jobs.jobs.aggregate import aggregate
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.delivered import bronze_as_decided
from spark_jobs.jobs.etl import reduce_deliveries
from spark_jobs.jobs.landed import people_in_landing, redact_landing
from spark_jobs.jobs.quality import told_by_runs
from spark_jobs.lake import storage
from spark_jobs.lake.joins import matching, without
from spark_jobs.lake.lake import Synced
from spark_jobs.lake.purge import deletable, is_append_only, purge
from spark_jobs.lake.tables import ERASURES, REBUILD, Table
from spark_jobs.ledger import DELIVERED, WHOLE, of_delivery
from spark_jobs.privacy.erasure import ErasedPeople, RecordRule, person_column
from spark_jobs.privacy.pseudonyms import ERASURE_KEY, key_id, load_key
from spark_jobs.silver.batch import DUPLICATE, STAGED, SUPERSEDED

BEGUN, COMPLETE = "begun", "complete"
#: Table property that says under which key the ledger's pseudonyms were made.
KEY_PROPERTY = "mlb.erasureKeyId"
_VERDICT = "struct<belongs boolean, record string, rescued map<string,string>>"


def asked(function: Callable[[str | None], object], returns: str) -> Callable[..., Column]:
    """A Python function as a column's function (without Arrow, which the jobs do not need)."""
    return F.udf(function, returns, useArrow=False)


def no_one(job: JobContext) -> ErasedPeople:
    """The rule under the erasure key, with nobody erased.

    Raises UsageError where the key is missing, or is not the one of the ledger of erasures.
    """
    key = load_key(job.settings, ERASURE_KEY)
    made_under = job.lake.property(ERASURES, KEY_PROPERTY)
    if made_under and made_under != key_id(key):
        raise UsageError(
            f"The ledger of erasures in {job.lake.root} was made under another key ({made_under}): give "
            "that one (MLB_ERASURE_KEY_FILE). Under this key erased people would come back."
        )
    return ErasedPeople(person_column(job.contract), job.contract.null_texts, key, frozenset())


def entries(job: JobContext) -> list[Row]:
    """The rows of the ledger of erasures; costs one look at the log where nobody has been erased."""
    if not job.lake.exists(ERASURES):
        return []
    return job.lake.read(ERASURES).where(F.col("dataset") == job.contract.dataset).collect()


def people_of(job: JobContext, rows: Iterable[Row]) -> ErasedPeople | None:
    """All whom rows of the ledger of erasures name; None where they name nobody (then no key is needed)."""
    people = frozenset(row["person"] for row in rows)
    return no_one(job).of(people) if people else None


def write_entries(job: JobContext, rows: Iterable[dict]) -> None:
    """Write rows of the ledger of erasures, in the place of those of the same people."""
    values = [tuple(row[name] for name in ERASURES.schema.names) for row in rows]
    wanted = job.spark.createDataFrame(values, ERASURES.schema).coalesce(1)
    present = matching(job.lake.read(ERASURES), wanted, ERASURES.key)
    properties = {KEY_PROPERTY: key_id(load_key(job.settings, ERASURE_KEY))}
    job.lake.sync(ERASURES, wanted, present, properties)


def complete(job: JobContext, people: ErasedPeople, notes: list[str]) -> None:
    """Say of people's erasures that all has been done that can be done at once."""
    begun = [row for row in entries(job) if row["state"] == BEGUN and row["person"] in people.pseudonyms]
    if begun:
        write_entries(job, [{**row.asDict(), "state": COMPLETE, "notes": notes} for row in begun])


def apply_erasures(job: JobContext) -> bool:
    """Erase again whom the ledger of erasures names, wherever they came back; whether anybody had.

    For any job that brings old data back (restore, reprocess), before its end, and for `erase --again`.
    Where somebody had come back, Gold is computed again and the run's `point` is that of what is there
    then. Raises JobError as `finish_erasing`.
    """
    rows = entries(job)
    people = people_of(job, rows)
    if people is None:
        return False
    there = found(job, people)
    # Begun again before anything goes: whoever is killed between rows and files is finished later.
    back = [row for row in rows if row["person"] in there and row["state"] == COMPLETE]
    if back:
        write_entries(job, [{**row.asDict(), "state": BEGUN} for row in back])
    begun = {row["person"] for row in rows if row["state"] == BEGUN}
    if there | begun:
        todo = people.of(frozenset(there | begun))
        finish_erasing(job, todo, known_by(job, todo))
    return bool(there | begun)


def keep_out(job: JobContext, folder: str) -> bool:
    """Take erased people out of a delivery's files, before anything reads them; whether it held any."""
    rows = entries(job)
    people = people_of(job, rows)
    if people is None:
        return False
    landing = redact_landing(job, people, folder)
    job.run.rows["rows_erased"] = landing.records
    for source_file in landing.left:
        job.run.notes.append(
            f"{source_file}: It cannot be read and names, or may name, a person who has been erased. "
            "Delete it."
        )
    if any(row["state"] == BEGUN for row in rows):
        job.run.notes.append("An erasure has not been finished: run `spark-jobs erase --again`.")
    return landing.files > 0


def found(job: JobContext, people: ErasedPeople) -> set[str]:
    """The people, by pseudonym, of whom there is anything in landing or the tables."""
    tables, person, rule = job.tables, job.contract.person, record_rule(job, people)
    by_id = asked(lambda employee_id: sorted(people.people_in(employee_id)), "array<string>")
    by_record = asked(rule.people_in, "array<string>")
    in_landing = people_in_landing(job, people, f"{job.settings.landing_root}/{job.contract.dataset}")
    named = [
        job.lake.read(tables.bronze).select(by_record(record_of(job)).alias("people")),
        job.lake.read(tables.quarantine).select(by_record("record").alias("people")),
        job.lake.read(tables.attempts).select(by_record("record").alias("people")),
    ]
    for table in (tables.staging, tables.current, tables.history, tables.identity):
        ids = job.lake.read(table).select(person).distinct()
        named.append(ids.select(by_id(person).alias("people")))
    people_in = reduce(DataFrame.union, named).select(F.explode("people").alias("person")).distinct()
    return in_landing | {row["person"] for row in people_in.collect()}


def finish_erasing(job: JobContext, people: ErasedPeople, known: "Known") -> None:
    """Erase people from landing and tables, Gold following, and close their rows of the ledger.

    Raises JobError where a landing file names them that cannot be rewritten.
    """
    people = people.also_known_by(known.identifiers)
    landing = redact_landing(job, people, f"{job.settings.landing_root}/{job.contract.dataset}")
    counts = delete_rows(job, people)
    job.run.rows.update(
        files_redacted=landing.files,
        landing_rows_erased=landing.records,
        **{f"{name}_erased": synced.deleted for name, synced in counts.items()},
        values_blanked=sum(synced.updated for synced in counts.values()),
    )
    purge_tables(job)
    publish_erasures(job)
    if landing.left:
        raise JobError(
            f"{', '.join(landing.left)} cannot be read as CSV and names, or may name, a person who is "
            "to be erased: delete it (or have it delivered again) and run this again. All else has been "
            "erased."
        )
    notes = what_remains(job)
    job.run.notes += notes
    complete(job, people, notes)


def publish_erasures(job: JobContext) -> None:
    """Tell what each delivery is now, and which versions belong together: no point from before can be read.

    Also for who finds nobody left to erase: the run that erased may have been killed before its row was in
    the ledger.
    """
    _tell_of_fewer(job)
    if job.lake.exists(job.tables.current):
        # Whole, since the change feed has gone with the rows that it told of.
        aggregate(job, full=True)


def _tell_of_fewer(job: JobContext) -> None:
    """Note what each delivery is now of which Bronze holds fewer rows than the ledger tells."""
    by_date = job.lake.read(job.tables.bronze).groupBy("_delivery_date").count().collect()
    left = {row[0]: row[1] for row in by_date}
    before = told_by_runs(job)
    fewer = [date for date, said in before.items() if left.get(date, 0) < (said.delivered or 0)]
    if not fewer:
        return
    rows = bronze_as_decided(job, fewer).localCheckpoint()
    reduced = reduce_deliveries(job, rows, load_key(job.settings))
    counts = {date: Counter[str]() for date in fewer}
    for row in reduced.groupBy("_delivery_date", "_outcome").count().collect():
        counts[row["_delivery_date"]][row["_outcome"]] = row["count"]
    for date, of_date in counts.items():
        outcomes = {outcome: of_date[outcome] for outcome in (STAGED, DUPLICATE, SUPERSEDED)}
        whole = int(before[date].whole)
        about = {DELIVERED: of_date.total(), **outcomes, WHOLE: whole}
        job.run.rows.update(of_delivery(date, about))


def purge_tables(job: JobContext) -> None:
    """Take what has been deleted off the disk."""
    storage.delete(job.spark, f"{job.lake.root}/{REBUILD}")
    # Only a local lake is held by one process (lake_lock): elsewhere a load may be writing now.
    purge(job.lake, job.tables.all, alone=job.settings.lake_is_local)


def what_remains(job: JobContext) -> list[str]:
    """What could not be erased at once, and when it will be."""
    if job.settings.lake_is_local:
        return ["Copies that people made of landing, lake or logs elsewhere are not erased by this."]
    days = job.settings.backup_days
    date = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)
    return [
        f"Old versions and backups that the object store keeps are gone on {date}, if its lifecycle "
        f"rule deletes them after {days} days (MLB_BACKUP_DAYS).",
        f"Files that a job wrote and never committed because it was killed are gone on {date}, when "
        "`maintain` has run.",
    ]


@dataclass(frozen=True)
class Known:
    """What else people are known by: direct identifiers of theirs alone, and names and birth dates."""

    identifiers: frozenset[str]
    names: frozenset[str]


def known_by(job: JobContext, people: ErasedPeople) -> Known:
    """What people's rows in Bronze say of them: nothing where they have been erased from it."""
    rule = record_rule(job, people)
    records = job.lake.read(job.tables.bronze).select(record_of(job).alias("record"))
    theirs = records.where(asked(rule.is_theirs, "boolean")("record"))
    said = theirs.select(
        asked(rule.known_by, "array<string>")("record").alias("identifiers"),
        asked(rule.called, "array<string>")("record").alias("names"),
    ).collect()
    identifiers = {value for row in said for value in row["identifiers"]}
    names = frozenset(value for row in said for value in row["names"])
    # What two people share (the club's telephone) names neither of them.
    shared = asked(lambda record: [v for v in rule.known_by(record) if v in identifiers], "array<string>")
    others = records.where(asked(rule.is_others, "boolean")("record"))
    both = others.select(F.explode(shared("record")).alias("value")).distinct().collect()
    return Known(frozenset(identifiers - {row["value"] for row in both}), names)


@dataclass(frozen=True)
class _Verdicts:
    """What becomes of rows by `_row_id`: `changed` has a verdict for each, `gone` the ids that go."""

    changed: DataFrame
    gone: DataFrame


def delete_rows(job: JobContext, people: ErasedPeople) -> dict[str, Synced]:
    """Delete people's rows from the tables of the dataset; what changed, by the table's part.

    Bronze comes last: what else a person is known by is read from it, and a run that is killed before
    must find it there again.
    """
    tables, rule = job.tables, record_rule(job, people)
    delivered = _verdicts(job, tables.bronze, record_of(job), rule)
    refused = _verdicts(job, tables.quarantine, F.col("record"), rule)
    mended = _verdicts(job, tables.attempts, F.col("record"), rule)
    gone = delivered.gone.union(refused.gone).union(mended.gone).distinct().localCheckpoint()
    tasks: dict[str, Callable[[], Synced]] = {
        "quarantine": lambda: _sync_rows(job, tables.quarantine, refused.changed, gone, "record"),
        "attempts": lambda: _sync_gone(job, tables.attempts, gone),
        "staging": lambda: _sync_people(job, tables.staging, people),
        "silver": lambda: _sync_people(job, tables.current, people),
        "history": lambda: _sync_people(job, tables.history, people),
        "identity": lambda: _sync_people(job, tables.identity, people),
    }
    counts = dict(zip(tasks, job.lake.together(*tasks.values()), strict=True))
    return {**counts, "bronze": _sync_bronze(job, delivered.changed, gone)}


def record_of(job: JobContext) -> Column:
    """A Bronze row as the quarantine holds it: a JSON object."""
    return F.to_json(F.struct(*job.contract.names, "_rescued"))


def record_rule(job: JobContext, people: ErasedPeople) -> RecordRule:
    """The rule for such records."""
    contract = job.contract
    return RecordRule(people, contract.names_of("direct_identifier"), contract.names_of("identity"))


def _verdicts(job: JobContext, table: Table, record: Column, rule: RecordRule) -> _Verdicts:
    # Not deterministic, or Spark would ask once for the filter and once more for the column.
    verdict = F.udf(rule.verdict, _VERDICT, useArrow=False).asNondeterministic()
    judged = job.lake.read(table).select("_row_id", verdict(record).alias("_verdict"))
    changed = judged.where(F.col("_verdict").isNotNull()).localCheckpoint()
    return _Verdicts(changed, changed.where("_verdict.belongs").select("_row_id"))


def _sync_rows(job: JobContext, table: Table, changed: DataFrame, gone: DataFrame, column: str) -> Synced:
    """Delete the rows that go, and give those that stay in part what stays of `column`."""
    present = job.lake.read(table)
    touched = matching(present, changed.select("_row_id").union(gone), ["_row_id"]).localCheckpoint()
    part = "record" if column == "record" else "rescued"
    parts = changed.selectExpr("_row_id AS _changed_id", f"_verdict.{part} AS _part", "_verdict.belongs")
    stays = touched.join(parts, F.expr("_row_id <=> _changed_id AND NOT belongs"), how="inner")
    wanted = stays.withColumn(column, F.col("_part")).select(*present.columns)
    return job.lake.sync(table, without(wanted, gone, ["_row_id"]), touched)


def _sync_bronze(job: JobContext, changed: DataFrame, gone: DataFrame) -> Synced:
    bronze = job.tables.bronze
    if changed.isEmpty() and gone.isEmpty() and is_append_only(job.lake, bronze):
        return Synced()
    with deletable(job.lake, bronze):
        return _sync_rows(job, bronze, changed, gone, "_rescued")


def _sync_gone(job: JobContext, table: Table, gone: DataFrame) -> Synced:
    rows = matching(job.lake.read(table), gone, ["_row_id"])
    return job.lake.sync(table, job.lake.empty(table.schema), rows)


def _sync_people(job: JobContext, table: Table, people: ErasedPeople) -> Synced:
    person = job.contract.person
    present = job.lake.read(table)
    erased = asked(people.erased, "boolean")
    ids = present.select(person).distinct().where(erased(F.col(person))).localCheckpoint()
    rows = matching(present, ids, [person])
    return job.lake.sync(table, job.lake.empty(table.schema), rows)
