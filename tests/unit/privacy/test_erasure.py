"""Which records belong to an erased person."""

import json

import pytest
from pyspark.sql import SparkSession

from spark_jobs.contracts.contract import Contract
from spark_jobs.privacy.erasure import ErasedPeople, RecordRule, forms, person_column, tidied
from spark_jobs.silver.clean import tidy

KEY = b"0123456789abcdef0123456789abcdef"
OTHER = {"employee_id": "other01", "email": "other01@example.org"}


@pytest.fixture
def nobody(contract: Contract) -> ErasedPeople:
    return ErasedPeople(person_column(contract), contract.null_texts, KEY, frozenset())


@pytest.fixture
def people(nobody: ErasedPeople) -> ErasedPeople:
    known = forms("900-12-3456") | forms("Jeter@Example.org") | forms("(212) 555-0123")
    return nobody.of(frozenset({str(nobody.pseudonym("jeterde01"))})).also_known_by(frozenset(known))


@pytest.mark.parametrize("name", ["employee_id", "team_id", "ssn", "email", "last_name"])
def test_values_are_tidied_as_silver_tidies_them(
    spark: SparkSession, contract: Contract, name: str
) -> None:
    column = next(column for column in contract.columns if column.name == name)
    values = [
        "",
        " ",
        "a",
        "\ufeffJeterDe01\t\n x",
        "N/A",
        "null",
        "É\u00a0 é",
        "9-0 0",
        "(1) 2a",
        "\x00z\x7f",
        "ſß",
        "９-0 0",
        "9_0-٣",
        "900-12-3456 é",
        "½",
        "--",
    ]
    rows = spark.createDataFrame([(value,) for value in values], f"{name} string")
    said = [row[0] for row in tidy(rows, (column,), contract.null_texts).collect()]
    assert [tidied(value, column, contract.null_texts) for value in values] == said


@pytest.mark.parametrize(
    "fields",
    [
        {"employee_id": "\u00a0JETERDE01 "},
        {"employee_id": "jeterde01 (player)"},
        {"employee_id": "", "ssn": "900123456"},
        {"employee_id": "n/a", "first_name": "jeter@example.ORG"},
        {"phone": "+1 (x) 212-555-0123", "employee_id": "? ?"},
    ],
)
def test_a_record_of_the_person_goes(people: ErasedPeople, fields: dict[str, str]) -> None:
    assert people.what_stays(fields, {}) is None


@pytest.mark.parametrize(
    "raw",
    [
        "jeterde01,2014",
        "x;JeterDe01;",
        '"900-12-3456"',
        "900 12 3456",
        "Tel. (212)555.0123,",
        "<jeter@example.org>",
    ],
)
def test_a_line_that_names_the_person_goes(people: ErasedPeople, raw: str) -> None:
    assert people.what_stays({}, {"_raw": raw}) is None
    assert people.what_stays({}, {"_raw": f'"never closed\n{raw}\nother01,2015'}) == {
        "_raw": '"never closed\nother01,2015'
    }


@pytest.mark.parametrize(
    "raw", ["xjeterde01,2014", "jeterde012", "900-12-34567", "jeter@example.org.uk,9001234"]
)
def test_a_line_that_looks_alike_stays(people: ErasedPeople, raw: str) -> None:
    assert people.what_stays({}, {"_raw": raw}) == {"_raw": raw}


def test_somebody_elses_record_stays_and_loses_what_names_the_person(people: ErasedPeople) -> None:
    assert people.what_stays(OTHER, {"note": "knows jeterde01", "x": "y"}) == {"note": "", "x": "y"}
    # What the contract knows is that person's own, even if two people share it.
    assert people.what_stays({**OTHER, "phone": "2125550123"}, {}) == {}


def test_once_erased_the_person_is_known_by_the_pseudonym_alone(people: ErasedPeople) -> None:
    later = people.also_known_by(frozenset())
    assert later.what_stays({}, {"_raw": "jeterde01,2014"}) is None
    assert later.what_stays({}, {"_raw": "900-12-3456"}) == {"_raw": "900-12-3456"}
    assert "jeter" not in repr(people) and KEY.decode() not in repr(people)


def test_records_of_the_quarantine(people: ErasedPeople) -> None:
    rule = RecordRule(people, ("ssn", "email", "phone"), ("last_name",))
    assert rule.verdict(None) is None and rule.verdict(json.dumps(OTHER)) is None
    assert rule.verdict(json.dumps({"employee_id": "JeterDe01"})) == (True, None, None)
    named = json.dumps({**OTHER, "_rescued": {"note": "jeterde01"}})
    kept = '{"employee_id":"other01","email":"other01@example.org","_rescued":{"note":""}}'
    assert rule.verdict(named) == (False, kept, {"note": ""})
    assert rule.people_in(named) == sorted(people.pseudonyms)
