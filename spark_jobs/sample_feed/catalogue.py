"""The kinds of defect: what becomes of the rows or files, by which reason, and in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of defect. The reason is the quarantine's code, None where nothing is refused."""

    outcome: str
    reason: str | None
    about: str


KINDS: dict[str, Kind] = {
    "exact_duplicate": Kind("duplicate", None, "The row stands in the file once before."),
    "two_versions_of_a_key": Kind(
        "superseded", None, "The file also has a version of this key that is a day newer."
    ),
    "same_sequence_conflict": Kind(
        "quarantined",
        "sequence_conflict",
        "Two rows of one key have the same updated_at and different salaries.",
    ),
    "two_people_one_id": Kind(
        "quarantined",
        "identity_conflict",
        "Two people with different birth_date and ssn share an employee_id in this delivery.",
    ),
    "two_people_across_deliveries": Kind(
        "quarantined",
        "identity_conflict",
        "An earlier delivery has this employee_id with another birth_date and ssn.",
    ),
    "missing_key": Kind("quarantined", "employee_id_missing", "The employee_id is empty."),
    "unparsable_salary": Kind("quarantined", "salary_unreadable", "The salary is no number."),
    "unparsable_date": Kind("quarantined", "debut_unreadable", "The debut is no date."),
    "negative_salary": Kind("quarantined", "salary_negative", "The salary is below zero."),
    "unknown_team": Kind("quarantined", "team_unknown", "There is no team ZZZ."),
    "season_outside_data": Kind(
        "quarantined", "season_outside_data", "The season 1884 is before the data begins."
    ),
    "not_utf8": Kind(
        "quarantined", "invalid_utf8", "The last_name holds a byte of Latin-1, which is not UTF-8."
    ),
    "truncated_last_line": Kind(
        "quarantined", "malformed_row", "The last record breaks off in the middle of a field."
    ),
    "quoted_line_break": Kind(
        "accepted", None, "The birth_city holds a line break inside quotes; July has it tidy."
    ),
    "untidy_values": Kind(
        "accepted",
        None,
        "Lower case, spaces, dates as MM/DD/YYYY or a null in words; cleaned, it is the true row.",
    ),
    "extra_column": Kind("accepted", None, "The file has a column `agent` that no one agreed on."),
    "columns_in_another_order": Kind("accepted", None, "The columns stand in another order."),
    "bom": Kind("accepted", None, "The file begins with a byte order mark."),
    "crlf": Kind("accepted", None, "Lines end with carriage return and line feed."),
    "gzip": Kind("accepted", None, "The file is compressed with gzip."),
    "empty_file": Kind("file_quarantined", "file_empty", "The file has no bytes."),
    "header_only": Kind("notice", "file_without_rows", "The file has a header and no rows."),
    "same_file_twice": Kind(
        "duplicate",
        None,
        "July's file, byte by byte and under its old name; it changes nothing.",
    ),
    "late_file": Kind(
        "superseded", None, "The row is older than the key's row in July's file, which came again."
    ),
    "late_after_load": Kind(
        "superseded", None, "The row is older than what July's delivery has loaded for the key."
    ),
    "late_after_termination": Kind(
        "superseded", None, "The row is older than the termination of a year ago."
    ),
}
