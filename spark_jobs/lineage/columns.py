"""Which columns each table's columns come from: by the contract for Bronze to Silver, declared for Gold.

tests/unit/lineage/test_columns.py changes one source column after the other and looks at what the code
makes of it, so that nothing here can say what is not so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from spark_jobs.contracts.contract import Contract
from spark_jobs.gold import GOLD
from spark_jobs.lake.tables import dataset_tables, identity_columns

#: How a column is made of its sources.
SAME, CHANGED, MASKED, COUNTED = "same", "changed", "masked", "counted"
#: Where a row came from: the same in every table that keeps it.
_ORIGIN = ("_row_id", "_source_file", "_file_sha256", "_generation", "_row_number", "_delivery_date")


@dataclass(frozen=True)
class Sources:
    """The columns that one column's values are made of, and how."""

    columns: tuple[str, ...]
    how: str


@dataclass(frozen=True)
class ColumnLineage:
    """Where a table's columns come from.

    `source` is the table (None: the landing zone) whose columns they are; `fields` are each column's
    sources, `rows` the source's columns that decide which rows there are.
    """

    source: str | None
    fields: dict[str, Sources]
    rows: tuple[str, ...]


def column_lineage(contract: Contract) -> dict[str, ColumnLineage]:
    """By table, where that is known: Bronze, staging, Silver and Gold."""
    tables = dataset_tables(contract)
    silver = tables.current.name
    return {
        tables.bronze.name: ColumnLineage(None, _same(contract.names), ()),
        tables.staging.name: _staging(contract, tables.bronze.name),
        tables.current.name: _current(contract, tables.staging.name),
        tables.history.name: _history(contract, tables.staging.name),
        tables.identity.name: _identity(contract, tables.staging.name),
        **{
            table.name: ColumnLineage(
                silver,
                {
                    name: Sources(columns, SAME if columns == (name,) else COUNTED)
                    for name, columns in table.sources.items()
                },
                (*table.grouped_by, "is_deleted"),
            )
            for table, _ in GOLD
        },
    }


def _staging(contract: Contract, bronze: str) -> ColumnLineage:
    masked = contract.names_of("direct_identifier")
    fields = {
        name: Sources((name,), MASKED if name in masked else CHANGED) for name in contract.names
    } | _same(_ORIGIN)
    for derived in contract.derived:
        fields[derived.name] = Sources(_named_in(derived.expression, contract), CHANGED)
    warnings = [rule for rule in contract.rules if rule.severity == "warning"]
    told = _named_in(" ".join(f"{rule.column} {rule.predicate}" for rule in warnings), contract)
    fields["quality_warnings"] = Sources(told, CHANGED)
    # Every rule, and whether two rows say the same, decides about a row.
    return ColumnLineage(bronze, fields, (*contract.names, "_problem", "_generation"))


def _current(contract: Contract, staging: str) -> ColumnLineage:
    fields = _same((*_silver(contract), contract.sequence, contract.operation, "_delivery_date"))
    fields["is_deleted"] = Sources((contract.operation,), CHANGED)
    return ColumnLineage(staging, fields, _decisive(contract))


def _history(contract: Contract, staging: str) -> ColumnLineage:
    since = Sources((contract.sequence,), CHANGED)
    fields = _same((*_silver(contract), "_delivery_date"))
    return ColumnLineage(
        staging,
        fields | {"valid_from": since, "valid_to": since, "is_current": since},
        _decisive(contract),
    )


def _identity(contract: Contract, staging: str) -> ColumnLineage:
    fields = _same((contract.person, *identity_columns(contract), "_delivery_date"))
    return ColumnLineage(staging, fields, _decisive(contract))


def _silver(contract: Contract) -> tuple[str, ...]:
    return (*contract.key, *contract.silver_content)


def _decisive(contract: Contract) -> tuple[str, ...]:
    """What decides of a key's rows which are versions of it: all that they say, and when."""
    decisive = (*contract.names, *(column.name for column in contract.derived), "quality_warnings")
    return (*decisive, "_delivery_date", "_retracted")


def _same(names: Iterable[str]) -> dict[str, Sources]:
    return {name: Sources((name,), SAME) for name in names}


def _named_in(expression: str, contract: Contract) -> tuple[str, ...]:
    """The delivered columns that an expression names, in the order of the contract."""
    words = set(re.findall(r"\w+", re.sub(r"'(?:[^'\\]|\\.|'')*'", " ", expression)))
    return tuple(name for name in contract.names if name in words)
