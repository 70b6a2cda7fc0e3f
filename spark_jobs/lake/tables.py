"""What each table of the lake is: its place, columns, key, partitions and Delta properties.

Columns whose names begin with an underscore are the platform's own; all others come from the
contract. Personal columns are kept out of every table's column statistics, because those stand as
minimum and maximum values in the transaction log, which outlives a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from pyspark.sql.types import StructType

from spark_jobs.contracts.contract import Contract

REASON = "struct<code:string,column:string,severity:string,sentence:string>"
#: Which file a row came from, and where in it (record 1 is the first after the header).
ORIGIN = "_row_id string, _source_file string, _file_sha256 string, _generation int, _row_number bigint"


@dataclass(frozen=True)
class Table:
    """A Delta table at `<lake>/<name>`; `key` identifies a row."""

    name: str
    description: str
    columns: str
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    change_feed: bool = False
    #: Marks rows as deleted in place of writing their file again; a small table is sooner rewritten.
    deletion_vectors: bool = True
    #: Rows of a partition lie in the order of these, so that a reader of few of them skips files.
    cluster_by: tuple[str, ...] = ()
    #: A later release may add columns: they come with the next rows, and read as null where they are not.
    grows: bool = False
    extra_properties: dict[str, str] = field(default_factory=dict)
    #: Of a summary: the columns of the table below that each column is made of, and those that rows are
    #: grouped by. A number of rows is made of none. For lineage (spark_jobs/lineage/columns.py).
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    grouped_by: tuple[str, ...] = ()

    @property
    def schema(self) -> StructType:
        """The columns as a Spark schema."""
        return cast(StructType, StructType.fromDDL(self.columns))

    @property
    def properties(self) -> dict[str, str]:
        """Delta's table properties."""
        return {
            "delta.enableDeletionVectors": str(self.deletion_vectors).lower(),
            "delta.enableChangeDataFeed": str(self.change_feed).lower(),
            "delta.dataSkippingStatsColumns": ",".join(self.statistics),
            **self.extra_properties,
        }


@dataclass(frozen=True)
class DatasetTables:
    """The tables of one dataset from Bronze to Silver, as its contract shapes them."""

    bronze: Table
    staging: Table
    current: Table
    history: Table
    identity: Table
    quarantine: Table
    attempts: Table

    @property
    def all(self) -> tuple[Table, ...]:
        """All of them, in the order of the data."""
        return (
            self.bronze,
            self.staging,
            self.quarantine,
            self.attempts,
            self.current,
            self.history,
            self.identity,
        )


def dataset_tables(contract: Contract) -> DatasetTables:
    """The tables of the contract's dataset."""
    return DatasetTables(
        bronze=bronze_table(contract),
        staging=staging_table(contract),
        current=current_table(contract),
        history=history_table(contract),
        identity=identity_table(contract),
        quarantine=quarantine_table(contract.dataset),
        attempts=attempts_table(contract.dataset),
    )


def bronze_table(contract: Contract) -> Table:
    """What was delivered: every column as text."""
    return Table(
        name=f"bronze/{contract.dataset}",
        description="Everything as delivered, as text, and where it came from. Append-only.",
        columns=(
            f"{', '.join(f'{name} string' for name in contract.names)}, "
            "_rescued map<string,string>, _problem struct<code:string,column:string,about:string>, "
            f"{ORIGIN}, _delivery_date date, _ingested_at timestamp"
        ),
        key=("_row_id",),
        partition_by=("_delivery_date",),
        statistics=("_generation", "_ingested_at"),
        extra_properties={"delta.appendOnly": "true"},
    )


def staging_table(contract: Contract) -> Table:
    """The deliveries' good rows, typed by the contract."""
    names = (*contract.names, *(column.name for column in contract.derived))
    return Table(
        name=f"staging/{contract.dataset}",
        description=(
            "The rows of each delivery that are good in themselves, one a key, with pseudonyms. "
            "_retracted marks a key that an earlier etl of the same delivery had staged."
        ),
        columns=(
            f"{_ddl(names, contract)}, quality_warnings array<string>, {ORIGIN}, _delivery_date date, "
            "_retracted boolean"
        ),
        key=("_delivery_date", *contract.key),
        partition_by=("_delivery_date",),
        statistics=_public(contract),
        # A batch is compared with what was said before of its keys, which are of few seasons mostly.
        cluster_by=(contract.partition,),
    )


def current_table(contract: Contract) -> Table:
    """Silver: the employments as they are."""
    return Table(
        name=f"silver/{contract.dataset}",
        description=(
            "The newest version of each key; is_deleted marks the tombstone of a deleted one. "
            f"{contract.sequence} is the time since which the content has been as it is."
        ),
        columns=(
            f"{_silver_columns(contract)}, {contract.sequence} timestamp, {contract.operation} string, "
            "is_deleted boolean, _delivery_date date"
        ),
        key=contract.key,
        partition_by=(contract.partition,),
        statistics=_silver_statistics(contract),
        change_feed=True,
        cluster_by=_clustering(contract),
    )


def history_table(contract: Contract) -> Table:
    """Silver: the employments as they have been."""
    control = (contract.sequence, contract.operation)
    return Table(
        name=f"silver/{contract.history_table}",
        description=(
            "Slowly changing dimension type 2: each content of a key with the time span "
            "[valid_from, valid_to) in which it was true; valid_to is null while it still is."
        ),
        columns=(
            f"{_silver_columns(contract)}, valid_from timestamp, valid_to timestamp, is_current boolean, "
            "_delivery_date date"
        ),
        key=(*contract.key, "valid_from"),
        partition_by=(contract.partition,),
        statistics=(*(n for n in _silver_statistics(contract) if n not in control), "valid_from"),
        change_feed=True,
        cluster_by=_clustering(contract),
    )


def identity_table(contract: Contract) -> Table:
    """Silver: who the employees are."""
    return Table(
        name=f"silver/{contract.identity_table}",
        description="Restricted: names and exact birth dates, with the pseudonym that stands for them.",
        columns=f"{_ddl((contract.person, *identity_columns(contract)), contract)}, _delivery_date date",
        key=(contract.person,),
        statistics=("_delivery_date",),
        change_feed=True,
    )


def identity_columns(contract: Contract) -> tuple[str, ...]:
    """The identity table's columns besides the person: what is in clear there, and what never changes."""
    in_clear = contract.names_of("identity")
    return (*in_clear, *(name for name in contract.immutable if name not in in_clear))


def quarantine_table(dataset: str) -> Table:
    """What was refused: rows and whole files, with every reason."""
    return Table(
        name=f"quarantine/{dataset}",
        description=(
            "Refused rows (kind row) and files (kind file) as delivered, with every reason. "
            "state is open, or replayed where the row has since been accepted, rejected where a person "
            "gave it up, or superseded where a newer row or generation of its file replaced it."
        ),
        columns=(
            f"_row_id string, kind string, state string, reasons array<{REASON}>, "
            "record string, _source_file string, _file_sha256 string, _generation int, "
            "_row_number bigint, _delivery_date date, contract_version string"
        ),
        key=("_row_id",),
        partition_by=("_delivery_date",),
        statistics=("kind", "state"),
    )


def attempts_table(dataset: str) -> Table:
    """What people, and changed contracts, tried to bring refused rows back."""
    return Table(
        name=f"quarantine/{dataset}_attempts",
        description=(
            "Attempts at rows of the quarantine. decision is mend (record holds the row's columns as "
            "mended, as JSON), reject, or retry (judged again under another contract); outcome is null "
            "until the row has been through etl and load again, then the row's state: replayed, "
            "rejected, superseded, or open where it was refused again for reasons."
        ),
        columns=(
            "attempt_id string, _row_id string, decision string, record string, by string, "
            "at timestamp, contract_version string, contract_digest string, outcome string, "
            f"reasons array<{REASON}>, _delivery_date date"
        ),
        key=("attempt_id",),
        partition_by=("_delivery_date",),
        statistics=("decision", "at", "outcome"),
    )


#: The folder of a lake in which tables are rebuilt beside the live ones.
REBUILD = "rebuild"

RUNS = Table(
    name="ops/runs",
    description=(
        "The ledger: one row a run of a job. point, where a run has published Gold, holds the versions "
        "of Silver, Gold and what they come from that belong together. stages has the seconds of the run's "
        "parts, measures what it read, wrote and took (docs/metrics.md)."
    ),
    columns=(
        "run_id string, job string, dataset string, delivery_date date, outcome string, "
        "exit_code int, started_at timestamp, finished_at timestamp, seconds double, "
        "rows map<string,bigint>, versions_read map<string,bigint>, "
        "versions_written map<string,bigint>, parameters map<string,string>, "
        "point map<string,bigint>, notes array<string>, error string, contract_version string, "
        "stages map<string,double>, measures map<string,double>"
    ),
    key=("run_id",),
    statistics=("job", "delivery_date", "started_at"),
    grows=True,
)

MANIFEST = Table(
    name="ops/manifest",
    description="Every file seen in the landing zone: path, content, generation and what became of it.",
    columns=(
        "dataset string, _source_file string, _file_sha256 string, _generation int, "
        "_delivery_date date, bytes bigint, rows bigint, malformed_rows bigint, status string, "
        "reason string, _ingested_at timestamp"
    ),
    key=("dataset", "_source_file", "_file_sha256"),
    statistics=("dataset", "_delivery_date", "status"),
)

LOADS = Table(
    name="ops/loads",
    description="The deliveries whose staged batch has been given to Silver: what a load reads.",
    columns="dataset string, _delivery_date date",
    key=("dataset", "_delivery_date"),
    statistics=("dataset", "_delivery_date"),
)

ERASURES = Table(
    name="ops/erasures",
    description=(
        "The ledger of erasures: who may not come back. person is the HMAC-SHA256 of the employee_id under "
        "the erasure key; state is begun until all that can be erased at once has been, then complete."
    ),
    columns=(
        "dataset string, person string, reason string, erased_at timestamp, by string, run_id string, "
        "state string, notes array<string>"
    ),
    key=("dataset", "person"),
    statistics=("dataset", "erased_at", "state"),
)


def _ddl(names: Sequence[str], contract: Contract) -> str:
    types = {column.name: column.type for column in (*contract.columns, *contract.derived)}
    types["quality_warnings"] = "array<string>"
    return ", ".join(f"{name} {types[name]}" for name in names)


def _silver_columns(contract: Contract) -> str:
    return _ddl((*contract.key, *contract.silver_content), contract)


def _public(contract: Contract) -> tuple[str, ...]:
    return tuple(column.name for column in contract.columns if column.classification == "public")


def _silver_statistics(contract: Contract) -> tuple[str, ...]:
    return tuple(name for name in (*_public(contract), "_delivery_date") if name != contract.partition)


def _clustering(contract: Contract) -> tuple[str, ...]:
    statistics = _silver_statistics(contract)
    return tuple(name for name in contract.key if name in statistics)
