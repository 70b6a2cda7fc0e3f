"""The contract is read as it is written, and its errors are told in a sentence."""

from pathlib import Path

import pytest
import yaml

from spark_jobs.contracts.contract import Contract, parse_contract, read_contract
from spark_jobs.errors import UsageError
from spark_jobs.settings import CONTRACT
from tests.lakes import HEADER


def test_the_columns_are_the_delivered_header(contract: Contract) -> None:
    assert ",".join(contract.names) == HEADER


def test_key_sequence_and_personal_data(contract: Contract) -> None:
    assert contract.key == ("employee_id", "season", "team_id")
    assert contract.sequence == "updated_at"
    assert contract.names_of("direct_identifier") == ("ssn", "email", "phone")
    assert contract.names_of("identity") == ("first_name", "last_name", "birth_date")
    assert not {"first_name", "last_name", "birth_date"} & set(contract.silver_content)


def changed(change) -> str:
    document = yaml.safe_load(CONTRACT.read_text())
    change(document)
    return yaml.safe_dump(document)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.pop("apiVersion"), "apiVersion"),
        (lambda d: d.update(schema=[]), "one schema"),
        (
            lambda d: d["schema"][0]["properties"][0].pop("classification"),
            "classification of employee_id",
        ),
        (lambda d: d["schema"][0]["properties"][0].update(classification="secret"), "'secret'"),
        (lambda d: d["schema"][0]["customProperties"].pop(0), "sequenceColumn"),
        (lambda d: d["schema"][0]["customProperties"][0].update(value="changed_at"), "changed_at"),
        (lambda d: d["schema"][0]["quality"][0].update(severity="fatal"), "'fatal'"),
        (lambda d: d["schema"][0]["quality"][0].pop("description"), "sentence that people read"),
        (lambda d: d["schema"][0]["quality"].append(d["schema"][0]["quality"][0]), "twice"),
        (lambda d: d["schema"][0]["properties"][1].update(required=False), "season"),
    ],
)
def test_a_wrong_contract_is_told_in_a_sentence(change, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_contract(changed(change))
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_text_that_is_no_yaml_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not YAML"):
        parse_contract("a: [")
    with pytest.raises(UsageError, match=r"nowhere.yaml cannot be read"):
        read_contract(tmp_path / "nowhere.yaml")
