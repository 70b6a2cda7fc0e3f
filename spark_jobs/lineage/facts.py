"""What events are made of: a run, and the datasets that it has read and written, as plain values."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from spark_jobs.contracts.contract import Contract
from spark_jobs.gold import GOLD_TABLES
from spark_jobs.lake.commits import Written, written_by
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import Table, dataset_tables
from spark_jobs.ledger import Run
from spark_jobs.lineage.columns import ColumnLineage, column_lineage
from spark_jobs.settings import Settings


@dataclass(frozen=True)
class About:
    """What is known of a run before it has done anything."""

    namespace: str
    job: str
    dataset: str
    run_id: str
    started_at: dt.datetime
    delivery_date: dt.date | None
    contract_version: str
    owner: str
    spark_version: str = ""
    source_url: str | None = None
    revision: str | None = None
    parent: str | None = None
    root: str | None = None


@dataclass(frozen=True)
class Place:
    """A dataset: a table or the landing zone, by its address."""

    address: str
    kind: str = "TABLE"

    @property
    def namespace(self) -> str:
        """As OpenLineage names stores: `s3://bucket`, or `file`."""
        scheme, _, rest = self.address.partition("://")
        if not rest:
            return "file"
        # Without user, password and query: an address may have been given with them.
        host = urlsplit(f"//{rest}").netloc.rpartition("@")[2]
        return f"{'s3' if scheme in ('s3a', 's3n') else scheme}://{host}"

    @property
    def name(self) -> str:
        """The path within the store."""
        _, _, rest = self.address.partition("://")
        return urlsplit(f"//{rest}").path.strip("/") if rest else self.address


@dataclass(frozen=True)
class Told:
    """A dataset as a run has read or written it.

    `columns` are (name, type, description); `sources` says where they come from, `source` at which place.
    `rows`, `bytes` and `files` are None where nobody has counted them.
    """

    place: Place
    version: str | None = None
    description: str | None = None
    columns: Sequence[tuple[str, str, str | None]] = ()
    sources: ColumnLineage | None = None
    source: Place | None = None
    written: Written | None = None
    rows: int | None = None
    files: int | None = None


@dataclass(frozen=True)
class Ended:
    """How a run has ended: `error` is a sentence of this project's own."""

    at: dt.datetime
    exit_code: int
    error: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    inputs: Sequence[Told] = ()
    outputs: Sequence[Told] = ()


def about_run(settings: Settings, run: Run, spark_version: str) -> About:
    """What is known of a run at its start."""
    return About(
        namespace=settings.lineage_namespace,
        job=run.job,
        dataset=run.dataset,
        run_id=run.run_id,
        started_at=run.started_at,
        delivery_date=run.delivery_date,
        contract_version=run.contract_version,
        owner=settings.lineage_owner,
        spark_version=spark_version,
        source_url=settings.source_url,
        revision=settings.revision,
        parent=settings.lineage_parent,
        root=settings.lineage_root,
    )


def end_of_run(settings: Settings, contract: Contract, lake: Lake, run: Run) -> Ended:
    """How a run has ended, and what it has read and written.

    The ledger's own tables and those rebuilt beside the live ones are the platform's workings, no datasets.
    """
    tables = {table.name: table for table in _tables(contract)}
    makes = _made_by(contract, run.job)
    outputs = [name for name in tables if name in run.versions_written]
    if run.exit_code == 0:
        # A run that found everything as it should be has the same datasets as the one that made it so.
        known = {*outputs, *(makes & set(run.versions_read))}
        outputs = [name for name in tables if name in known]
    inputs = [tables[name] for name in tables if name in run.versions_read and name not in makes]
    read = [_read(lake, table, run) for table in inputs]
    landing = Place(f"{settings.landing_root}/{contract.dataset}", kind="DIRECTORY")
    if run.job == "ingest" and run.exit_code == 0:
        read = [_delivery(landing, contract, run)]
    sources = column_lineage(contract)
    written = written_by(lake, run.signature(), outputs)
    made = [_made(lake, tables[name], run, landing, sources.get(name)) for name in outputs]
    return Ended(
        at=run.finished_at or run.started_at,
        exit_code=run.exit_code or 0,
        error=run.error_for_others if run.exit_code else None,
        parameters=dict(run.parameters),
        inputs=read,
        outputs=[
            replace(_described(told, contract), written=written[name])
            for name, told in zip(outputs, made, strict=True)
        ],
    )


def _tables(contract: Contract) -> list[Table]:
    return [*dataset_tables(contract).all, *GOLD_TABLES]


def _made_by(contract: Contract, job: str) -> set[str]:
    """The tables that a job brings up to date, and reads only to see what differs.

    Of other jobs (restore, erase, maintain) the present rows are what the new ones are made of.
    """
    tables = dataset_tables(contract)
    silver = [tables.identity, tables.history, tables.current]
    made = {
        "ingest": [tables.bronze, tables.quarantine],
        "etl": [tables.staging, tables.quarantine],
        "load": [*silver, tables.quarantine],
        "aggregate": [*GOLD_TABLES],
        "recover": [tables.attempts],
        "reprocess": [tables.staging, tables.quarantine, *silver, *GOLD_TABLES],
    }
    return {table.name for table in made.get(job, [])}


def _read(lake: Lake, table: Table, run: Run) -> Told:
    told = _told(lake, table, run.versions_read[table.name])
    # Which of its inputs a stage counts its rows in.
    counted = {"etl": "bronze/", "load": "staging/"}.get(run.job)
    return (
        replace(told, rows=run.rows.get("rows_in")) if counted and table.name.startswith(counted) else told
    )


def _delivery(landing: Place, contract: Contract, run: Run) -> Told:
    return Told(
        landing,
        version=str(run.delivery_date),
        columns=[(column.name, "string", column.description) for column in contract.columns],
        rows=run.rows.get("rows_in"),
        files=run.rows.get("files"),
    )


def _made(lake: Lake, table: Table, run: Run, landing: Place, sources: ColumnLineage | None) -> Told:
    version = run.versions_written.get(table.name)
    told = _told(lake, table, run.versions_read[table.name] if version is None else version)
    if not sources or run.job not in _MAKERS:
        return told
    source = Place(f"{lake.root}/{sources.source}") if sources.source else landing
    return replace(told, sources=sources, source=source)


#: Jobs that make tables from those before them; others move rows within a table.
_MAKERS = ("ingest", "etl", "load", "aggregate", "reprocess")


def _told(lake: Lake, table: Table, version: int) -> Told:
    columns = [(each.name, each.dataType.simpleString(), None) for each in table.schema]
    place = Place(lake.path(table))
    return Told(place, version=str(version), description=table.description, columns=columns)


def _described(told: Told, contract: Contract) -> Told:
    """With the contract's words for its columns."""
    words: dict[str, str] = {each.name: each.description for each in (*contract.columns, *contract.derived)}
    return replace(told, columns=[(name, kind, words.get(name)) for name, kind, _ in told.columns])
