"""What an error may say of a value: nothing."""

import pytest

from spark_jobs.errors import sentence_of, without_values


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "The value 'O'Brien' of the type \"STRING\" is bad",
            "The value '…' of the type \"STRING\" is bad",
        ),
        ('For input string: "QUACKSALVER"', 'For input string: "…"'),
        ('The value 7654321L of the type "BIGINT"', 'The value … of the type "BIGINT"'),
        ("7654321.00 cannot be represented as Decimal(4, 2)", "… cannot be represented as Decimal(4, 2)"),
        ("value DATE '1971-03-09' is out", "value DATE '…' is out"),
        ("it can't be read, and won't be", "it can't be read, and won't be"),
        ("No such file: '/opt/mlb/key'", "No such file: '/opt/mlb/key'"),
        ("Path 's3a://mlb/lake' is away", "Path 's3a://mlb/lake' is away"),
    ],
)
def test_a_quoted_value_is_left_out_and_the_rest_stays(said: str, told: str) -> None:
    assert without_values(said) == told


def test_the_sentence_of_an_error_has_no_value() -> None:
    assert sentence_of(ValueError("bad phone '777-555-0199'\nand more")) == "ValueError: bad phone '…'."
