"""What a person sees before the approval."""

from mlb_airflow.differences import as_markdown

RESULT = {
    "rows": {
        "rows_in": 900,
        "silver/employees changed": 1200,
        "silver/employees added": 3,
        "gold/roster_movement removed": 1,
        "silver/employee_history removed": 0,
    },
    "notes": ["2023-10-02: left out."],
}


def test_the_differences_are_a_table_and_the_notes() -> None:
    assert as_markdown(RESULT).splitlines() == [
        "| table | added | changed | removed |",
        "|---|---:|---:|---:|",
        "| gold/roster_movement | 0 | 0 | 1 |",
        "| silver/employees | 3 | 1,200 | 0 |",
        "",
        "- 2023-10-02: left out.",
    ]


def test_nothing_differs_is_nothing_to_approve() -> None:
    assert as_markdown({"rows": {"rows_in": 900}, "notes": ["Nothing was made live."]}) == ""


def test_counts_that_did_not_fit_are_no_missing_differences() -> None:
    assert "see the log of `compare`" in as_markdown({"left_out": {"rows": 30}})
