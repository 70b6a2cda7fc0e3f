"""Reads a data contract (Open Data Contract Standard v3) into what the stages need.

What the standard has no field for stands under `customProperties`:

* of the schema: `sequenceColumn` (the newest row of a key wins), `operationColumn` and
  `deleteOperation`, `personColumn` (whose rows belong to one person), `immutableColumns` (may never
  change for a person), `partitionColumn`, `historyTable`, `identityTable`, `nullTexts`, `dateFormats`,
  `timestampFormats`, `derivedColumns` (Silver columns computed from typed ones);
* of a column: `case` (`upper`, `lower`, or `digits`: keep only those).

A column's `classification` says where it may lie:

* `public`: everywhere, also in column statistics;
* `personal`: in Silver, but in no statistics and never in Gold;
* `identity`: in clear, but only in the identity table;
* `direct_identifier`: in Silver as a pseudonym under the same name.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast

import jsonschema
import yaml
from open_data_contract_standard.model import (
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
)
from pydantic import ValidationError

from spark_jobs.errors import UsageError

Classification = Literal["public", "personal", "identity", "direct_identifier"]
CLASSIFICATIONS = ("public", "personal", "identity", "direct_identifier")
SEVERITIES = ("error", "warning")


@dataclass(frozen=True)
class Column:
    """A column as it is delivered."""

    name: str
    type: str
    required: bool
    classification: Classification
    case: str | None
    description: str


@dataclass(frozen=True)
class DerivedColumn:
    """A Silver column computed from the typed columns of the same row."""

    name: str
    type: str
    classification: Classification
    expression: str
    description: str


@dataclass(frozen=True)
class Rule:
    """A predicate that each row must satisfy; `severity` error refuses the row, warning marks it."""

    name: str
    column: str | None
    predicate: str
    severity: str
    sentence: str


@dataclass(frozen=True)
class Contract:
    """One dataset: its columns, key, sequence, personal data and rules; `digest` is of its text."""

    dataset: str
    version: str
    digest: str
    columns: tuple[Column, ...]
    derived: tuple[DerivedColumn, ...]
    rules: tuple[Rule, ...]
    key: tuple[str, ...]
    sequence: str
    operation: str
    delete_operation: str
    person: str
    immutable: tuple[str, ...]
    partition: str
    history_table: str
    identity_table: str
    null_texts: tuple[str, ...]
    date_formats: tuple[str, ...]
    timestamp_formats: tuple[str, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The delivered columns' names, in the order of the contract."""
        return tuple(column.name for column in self.columns)

    @property
    def control(self) -> tuple[str, ...]:
        """The columns that count for a delete: the key, the sequence and the operation."""
        return (*self.key, self.sequence, self.operation)

    @property
    def content(self) -> tuple[str, ...]:
        """The delivered columns in which two versions of a key may differ."""
        return tuple(name for name in self.names if name not in self.control)

    @property
    def silver_content(self) -> tuple[str, ...]:
        """The columns of the current table in which two versions of a key may differ."""
        kept = [c.name for c in self.columns if c.classification != "identity"]
        delivered = [name for name in kept if name not in self.control]
        return (*delivered, *(column.name for column in self.derived), "quality_warnings")

    def names_of(self, classification: Classification) -> tuple[str, ...]:
        """The delivered columns of one class of personal data."""
        return tuple(c.name for c in self.columns if c.classification == classification)

    def type_of(self, name: str) -> str:
        """A delivered column's Spark type."""
        return next(column.type for column in self.columns if column.name == name)


def read_contract(path: Path) -> Contract:
    """Read and check a contract. Raises UsageError, one sentence, where it is not a good one."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The contract {path} cannot be read: {error.strerror}.") from error
    try:
        return parse_contract(text)
    except UsageError as error:
        raise UsageError(f"The contract {path} is not valid: {error}") from error


def parse_contract(text: str) -> Contract:
    """Parse a contract's YAML. Raises UsageError that says where it breaks the standard or its own word."""
    try:
        document = yaml.safe_load(text)
        schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
        jsonschema.validate(document, schema)
        contract = OpenDataContractStandard(**document)
    except yaml.YAMLError as error:
        raise UsageError(f"it is not YAML: {' '.join(str(error).split())}") from error
    except jsonschema.ValidationError as error:
        raise UsageError(f"at {error.json_path}: {error.message[:300]}") from error
    except (ValidationError, TypeError) as error:
        raise UsageError(f"it does not follow the standard: {' '.join(str(error).split())}") from error
    schemas = contract.schema_ or []
    if len(schemas) != 1:
        raise UsageError(f"it must describe one schema, not {len(schemas)}.")
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return _contract(str(contract.version), digest, schemas[0])


def _contract(version: str, digest: str, schema: SchemaObject) -> Contract:
    custom = {str(p.property): p.value for p in schema.customProperties or []}
    properties = schema.properties or []
    columns = tuple(_column(prop) for prop in properties)
    names = [column.name for column in columns]
    keyed = [prop for prop in properties if prop.primaryKey]
    rules = [_rule(None, quality) for quality in schema.quality or []]
    for prop in properties:
        rules += [_rule(str(prop.name), quality) for quality in prop.quality or []]

    def one(name: str) -> str:
        return str(_need(custom, name))

    def column_named(name: str) -> str:
        return _known(one(name), names, name)

    contract = Contract(
        dataset=str(schema.name),
        version=version,
        digest=digest,
        columns=columns,
        derived=tuple(_derived(entry) for entry in custom.get("derivedColumns") or []),
        rules=tuple(rules),
        key=tuple(str(p.name) for p in sorted(keyed, key=lambda p: p.primaryKeyPosition or 0)),
        sequence=column_named("sequenceColumn"),
        operation=column_named("operationColumn"),
        delete_operation=one("deleteOperation"),
        person=column_named("personColumn"),
        immutable=tuple(
            _known(str(name), names, "immutableColumns") for name in _need(custom, "immutableColumns")
        ),
        partition=column_named("partitionColumn"),
        history_table=one("historyTable"),
        identity_table=one("identityTable"),
        null_texts=tuple(str(t).lower() for t in custom.get("nullTexts") or ()),
        date_formats=tuple(custom.get("dateFormats") or ("yyyy-MM-dd",)),
        timestamp_formats=tuple(custom.get("timestampFormats") or ("yyyy-MM-dd'T'HH:mm:ssX",)),
    )
    _check(contract)
    return contract


def _check(contract: Contract) -> None:
    required = {column.name for column in contract.columns if column.required}
    if not contract.key:
        raise UsageError("no column is marked as primaryKey.")
    for name in contract.control:
        if name not in required:
            raise UsageError(f"the column {name} is of the key, the sequence or the operation: required.")
    for name in (contract.person, contract.partition):
        if name not in contract.key:
            raise UsageError(f"the column {name} must be one of the key {', '.join(contract.key)}.")
    for kind, values in (
        ("column", [*contract.names, *(column.name for column in contract.derived)]),
        ("rule", [rule.name for rule in contract.rules]),
    ):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise UsageError(f"the {kind} {twice[0]} stands in it twice.")


def _need(custom: dict[str, Any], name: str) -> Any:
    if custom.get(name) in (None, "", []):
        raise UsageError(f"the schema's customProperties lack {name}.")
    return custom[name]


def _known(name: str, names: list[str], where: str) -> str:
    if name not in names:
        raise UsageError(f"{where} names the column {name}, which is not in it.")
    return name


def _one_of(value: str | None, allowed: tuple[str, ...], where: str) -> str:
    if value not in allowed:
        raise UsageError(f"{where} is {value!r}; it must be one of {', '.join(allowed)}.")
    return value


def _column(prop: SchemaProperty) -> Column:
    name = str(prop.name)
    custom = {str(p.property): p.value for p in prop.customProperties or []}
    if not prop.physicalType or not prop.description:
        raise UsageError(f"the column {name} needs a physicalType and a description.")
    place = _one_of(prop.classification, CLASSIFICATIONS, f"the classification of {name}")
    case = custom.get("case")
    if case is not None:
        _one_of(case, ("upper", "lower", "digits"), f"the case of {name}")
    return Column(
        name=name,
        type=prop.physicalType,
        required=bool(prop.required),
        classification=cast(Classification, place),
        case=case,
        description=prop.description,
    )


def _derived(entry: Any) -> DerivedColumn:
    try:
        place = _one_of(entry["classification"], CLASSIFICATIONS, "a derived classification")
        return DerivedColumn(
            name=entry["name"],
            type=entry["type"],
            classification=cast(Classification, place),
            expression=entry["expression"],
            description=entry["description"],
        )
    except (KeyError, TypeError) as error:
        raise UsageError(f"a derived column lacks {error}.") from error


def _rule(column: str | None, quality: DataQuality) -> Rule:
    name = quality.name or quality.id
    if not name or not isinstance(quality.implementation, str) or quality.engine != "spark-sql":
        raise UsageError(
            f"the rule {name} of {column or 'the schema'} needs a name, the engine spark-sql and "
            "an implementation that is a Spark SQL predicate."
        )
    if not quality.description:
        raise UsageError(f"the rule {name} needs a description: the sentence that people read.")
    severity = _one_of(quality.severity, SEVERITIES, f"the severity of the rule {name}")
    return Rule(name, column, quality.implementation, severity, quality.description)
