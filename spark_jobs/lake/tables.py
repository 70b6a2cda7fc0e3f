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
    extra_properties: dict[str, str] = field(default_factory=dict)

    @property
    def schema(self) -> StructType:
        """The columns as a Spark schema."""
        return cast(StructType, StructType.fromDDL(self.columns))

    @property
    def properties(self) -> dict[str, str]:
        """Delta's table properties."""
        return {
            "delta.enableDeletionVectors": "true",
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

    @property
    def all(self) -> tuple[Table, ...]:
        """All of them, in the order of the data."""
        return (
            self.bronze,
            self.staging,
            self.quarantine,
            self.current,
            self.history,
            self.identity,
        )


def dataset_tables(contract: Contract) -> DatasetTables:
    """The tables of the contract's dataset."""
    dataset = contract.dataset
    types = {column.name: column.type for column in contract.columns}
    types |= {column.name: column.type for column in contract.derived}
    types["quality_warnings"] = "array<string>"
    key = _ddl(contract.key, types)
    silver = _ddl(contract.silver_content, types)
    public = [column.name for column in contract.columns if column.classification == "public"]
    silver_statistics = tuple(name for name in (*public, "_delivery_date") if name != contract.partition)
    bronze = Table(
        name=f"bronze/{dataset}",
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
    staging = Table(
        name=f"staging/{dataset}",
        description=(
            "The rows of each delivery that are good in themselves, one a key, with pseudonyms. "
            "_retracted marks a key that an earlier etl of the same delivery had staged."
        ),
        columns=(
            f"{_ddl([*contract.names, *(c.name for c in contract.derived)], types)}, "
            f"quality_warnings array<string>, {ORIGIN}, _delivery_date date, _retracted boolean"
        ),
        key=("_delivery_date", *contract.key),
        partition_by=("_delivery_date",),
        statistics=tuple(public),
    )
    current = Table(
        name=f"silver/{dataset}",
        description=(
            "The newest version of each key; is_deleted marks the tombstone of a deleted one. "
            f"{contract.sequence} is the time since which the content has been as it is."
        ),
        columns=(
            f"{key}, {silver}, {contract.sequence} timestamp, {contract.operation} string, "
            "is_deleted boolean, _delivery_date date"
        ),
        key=contract.key,
        partition_by=(contract.partition,),
        statistics=silver_statistics,
        change_feed=True,
    )
    history = Table(
        name=f"silver/{contract.history_table}",
        description=(
            "Slowly changing dimension type 2: each content of a key with the time span "
            "[valid_from, valid_to) in which it was true; valid_to is null while it still is."
        ),
        columns=(
            f"{key}, {silver}, valid_from timestamp, valid_to timestamp, is_current boolean, "
            "_delivery_date date"
        ),
        key=(*contract.key, "valid_from"),
        partition_by=(contract.partition,),
        statistics=(
            *(n for n in silver_statistics if n not in (contract.sequence, contract.operation)),
            "valid_from",
        ),
        change_feed=True,
    )
    identity = Table(
        name=f"silver/{contract.identity_table}",
        description="Restricted: names and exact birth dates, with the pseudonym that stands for them.",
        columns=(
            f"{_ddl([contract.person], types)}, "
            f"{_ddl(identity_columns(contract), types)}, _delivery_date date"
        ),
        key=(contract.person,),
        statistics=("_delivery_date",),
        change_feed=True,
    )
    return DatasetTables(bronze, staging, current, history, identity, quarantine_table(dataset))


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
            "state is open, or replayed where the row has since been accepted, or superseded where "
            "a newer generation of its file replaced it."
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


RUNS = Table(
    name="ops/runs",
    description="The ledger: one row a run of a job.",
    columns=(
        "run_id string, job string, dataset string, delivery_date date, outcome string, "
        "exit_code int, started_at timestamp, finished_at timestamp, seconds double, "
        "rows map<string,bigint>, versions_read map<string,bigint>, "
        "versions_written map<string,bigint>, notes array<string>, error string, "
        "contract_version string"
    ),
    key=("run_id",),
    statistics=("job", "delivery_date", "started_at"),
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


def _ddl(names: Sequence[str], types: dict[str, str]) -> str:
    return ", ".join(f"{name} {types[name]}" for name in names)
