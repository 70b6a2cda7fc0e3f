"""What lineage says of columns, held against the code: change one source column, and see what changes.

Each case is a delivery (or a group of employments) of its own, equal to the first but for one column.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from spark_jobs.contracts.contract import Contract
from spark_jobs.gold import GOLD
from spark_jobs.jobs.aggregate import SILVER_COLUMNS
from spark_jobs.lake.tables import Table, dataset_tables, identity_columns
from spark_jobs.lineage.columns import MASKED, column_lineage
from spark_jobs.privacy.pseudonyms import pseudonymise
from spark_jobs.silver.batch import STAGED, reduce_batch
from spark_jobs.silver.clean import clean
from spark_jobs.silver.rules import judge
from spark_jobs.silver.versions import current_rows, history_rows, identity_rows, resolve_versions
from tests.lakes import employment

KEY = b"a-key-for-tests-that-is-long-enough-0123456789"
#: Another good value of each delivered column; an operation or a key is another row, not another value.
OTHER = {
    "season": "2013",
    "team_id": "BOS",
    "league": "NL",
    "first_name": "Dirk",
    "last_name": "Jetter",
    "birth_date": "",
    "birth_city": "Kalamazoo",
    "birth_state": "MI",
    "birth_country": "CAN",
    "role": "manager",
    "position": "2B",
    "bats": "L",
    "throws": "L",
    "games": "7",
    "salary": "0",
    "debut": "1996-05-29",
    "ssn": "900-12-3457",
    "email": "other@example.org",
    "phone": "212-555-0124",
    "updated_at": "2014-05-01T09:00:00Z",
    "employee_id": "jeterde02",
}


def changed(cases: dict[str, Row], columns: Iterable[str]) -> dict[str, set[str]]:
    """By the column that was changed in a case: the output columns that differ from the case of none."""
    first = cases[""]
    return {name: {c for c in columns if row[c] != first[c]} for name, row in cases.items() if name}


def said(lineage: dict[str, Any], source: str, contract: Contract) -> dict[str, set[str]]:
    """By source column: the columns that are made of it, as lineage says."""
    fields = lineage[source].fields
    return {
        name: {field for field, sources in fields.items() if name in sources.columns}
        for name in (*contract.names, "age_on_july_1", "quality_warnings")
    }


@pytest.fixture(scope="module")
def staged(spark: SparkSession, contract: Contract) -> dict[str, Row]:
    """What etl stages of each case, as rows by the column that was changed."""
    bronze, tables = [], dataset_tables(contract)
    for number, name in enumerate(["", *OTHER]):
        row = employment(**({name: OTHER[name]} if name else {}))
        values = {
            **row,
            "_rescued": None,
            "_problem": None,
            "_row_id": name,
            "_source_file": "a.csv",
            "_file_sha256": "0",
            "_generation": 1,
            "_row_number": 1,
            "_delivery_date": dt.date(2023, 1, 1) + dt.timedelta(days=number),
            "_ingested_at": None,
        }
        bronze.append(tuple(values[field.name] for field in tables.bronze.schema))
    rows = spark.createDataFrame(bronze, tables.bronze.schema).withColumn("_rejected", F.lit(False))
    typed = pseudonymise(judge(clean(rows, contract), contract), contract, KEY)
    found = reduce_batch(typed, contract).withColumn("_retracted", F.lit(False)).collect()
    assert {row["_outcome"] for row in found} == {STAGED}, "every other value is a good one"
    return {row["_row_id"]: row for row in found}


def test_staging_is_made_of_bronze_as_lineage_says(staged: dict[str, Row], contract: Contract) -> None:
    names = [name for name in dataset_tables(contract).staging.schema.names if name[0] != "_"]
    told = said(column_lineage(contract), "staging/employees", contract)
    assert changed(staged, names) == {name: told[name] for name in OTHER}


def test_direct_identifiers_are_said_to_be_masked_and_are(
    staged: dict[str, Row], contract: Contract
) -> None:
    fields = column_lineage(contract)["staging/employees"].fields
    masked = {name for name, sources in fields.items() if sources.how == MASKED}
    assert masked == set(contract.names_of("direct_identifier")) == {"ssn", "email", "phone"}
    for name in masked:
        assert staged[""][name] not in employment().values() and len(staged[""][name]) == 64


def silver(staged: dict[str, Row], spark: SparkSession, contract: Contract) -> Callable[[str], DataFrame]:
    """All that is staged in a case, as the versions that load makes of it."""
    names = dataset_tables(contract).staging.schema

    def versions(case: str) -> DataFrame:
        rows = [tuple(staged[case][field.name] for field in names)]
        return resolve_versions(spark.createDataFrame(rows, names), contract)

    return versions


@pytest.mark.parametrize("which", ["current", "history", "identity"])
def test_silver_is_made_of_staging_as_lineage_says(
    staged: dict[str, Row], spark: SparkSession, contract: Contract, which: str
) -> None:
    tables, columns = dataset_tables(contract), identity_columns(contract)
    make: dict[str, tuple[Table, Callable[[DataFrame], DataFrame]]] = {
        "current": (tables.current, lambda v: current_rows(v, contract)),
        "history": (tables.history, lambda v: history_rows(v, contract)),
        "identity": (tables.identity, lambda v: identity_rows(v, contract, columns)),
    }
    table, rows_of = make[which]
    versions, cases = silver(staged, spark, contract), {}
    for name in ("", "season", "birth_date", "salary", "last_name", "ssn", "email", "updated_at"):
        (cases[name],) = rows_of(versions(name)).collect()
    told = said(column_lineage(contract), table.name, contract)
    names = [name for name in table.schema.names if name[0] != "_"]
    for name, found in changed(cases, names).items():
        # A staged value brings with it what etl has made of it in the same row.
        made = said(column_lineage(contract), "staging/employees", contract)[name]
        # The end of a content that is still true is null whatever its beginning is.
        assert found == set().union(*(told.get(m, set()) for m in made)) - {"valid_to", "is_current"}, name


def test_a_content_ends_when_the_next_begins(
    staged: dict[str, Row], spark: SparkSession, contract: Contract
) -> None:
    schema = dataset_tables(contract).staging.schema
    first, second = (tuple(staged[case][field.name] for field in schema) for case in ("", "updated_at"))
    position = schema.names.index("salary")
    second = (*second[:position], Decimal(1), *second[position + 1 :])
    history = history_rows(
        resolve_versions(spark.createDataFrame([first, second], schema), contract), contract
    )
    (ended,) = history.where("NOT is_current").collect()
    assert ended["valid_to"] == staged["updated_at"]["updated_at"]
    fields = column_lineage(contract)["silver/employee_history"].fields
    assert fields["valid_to"].columns == fields["is_current"].columns == ("updated_at",)


def test_a_delete_is_told_by_the_operation(
    staged: dict[str, Row], spark: SparkSession, contract: Contract
) -> None:
    schema = dataset_tables(contract).staging.schema
    row = staged[""].asDict() | {"operation": "D"}
    rows = spark.createDataFrame([tuple(row[name] for name in schema.names)], schema)
    (deleted,) = current_rows(resolve_versions(rows, contract), contract).collect()
    assert deleted["is_deleted"] is True
    assert column_lineage(contract)["silver/employees"].fields["is_deleted"].columns == ("operation",)


#: A team of four in two seasons; another of the same league that pays more, so that shares, ranks and
#: inequality are to be had.
PEOPLE = [
    (f"{team}{n}", season, team, "AL", "P", Decimal(100 * n + more), 20 + n)
    for season in (2014, 2015)
    for team, more in (("NYA", 0), ("BOS", 50))
    for n in (1, 2, 3, 4)
]
CHANGES = {
    "employee_id": "someone",
    "team_id": "BOS",
    "league": "NL",
    "position": "C",
    "salary": Decimal(9999),
    "age_on_july_1": 60,
}


@pytest.mark.parametrize(("table", "compute"), GOLD, ids=[table.name for table, _ in GOLD])
def test_gold_is_made_of_silver_as_declared(
    spark: SparkSession, contract: Contract, table: Table, compute: Callable[[DataFrame], DataFrame]
) -> None:
    schema = ", ".join(
        f"{f.name} {f.dataType.simpleString()}"
        for f in dataset_tables(contract).current.schema
        if f.name in SILVER_COLUMNS
    )
    names = [part.split()[0] for part in schema.split(", ")]

    def gold(change: str = "") -> dict[tuple, Row]:
        people: list[dict[str, Any]] = [dict(zip(SILVER_COLUMNS, person, strict=True)) for person in PEOPLE]
        if change:
            # Two of the later season's people of a team, so that counts and medians move.
            for person in people[8:10]:
                person[change] = CHANGES[change] if change != "employee_id" else f"new-{person[change]}"
        rows = spark.createDataFrame([tuple(p[n] for n in names) for p in people], schema).coalesce(1)
        return {tuple(r[k] for k in table.key): r for r in compute(rows).collect()}

    before = gold()
    for name in CHANGES:
        if name in table.grouped_by:
            continue
        after = gold(name)
        assert set(after) == set(before), f"{name} moves rows: it is one of those that they are grouped by"
        found = {c for key in before for c in table.schema.names if before[key][c] != after[key][c]}
        declared = {column for column, sources in table.sources.items() if name in sources}
        assert found <= declared, f"{name} changes {found - declared}, which lineage does not say"
        assert declared - found <= UNMOVED.get((table.name, name), set()), name
    assert set(table.sources) | {"headcount"} == {*table.schema.names, "headcount"}
    assert set(table.key) <= set(table.sources) and set(table.grouped_by) == set(table.key)


#: What one change need not move: people paid before are paid after, and a newcomer comes from nowhere.
UNMOVED = {
    ("gold/team_season_payroll", "salary"): {"paid_headcount"},
    ("gold/position_salaries", "salary"): {"paid_headcount"},
    ("gold/roster_movement", "employee_id"): {"arrived_from_team"},
}
