"""Which defect goes into which file: the whole list, to be read as a table.

In a file, the defects are seeded in the order of the table: a column or line end of the whole
file comes last, a broken last line after all other rows. The files of July that come again in
October stay clean, so that no defect comes twice. The last day spoils no real row, as no later
delivery could mend it.
"""

from __future__ import annotations

PLAN: tuple[tuple[int, str, dict[str, int]], ...] = (
    # day, file, how often each defect
    (
        1,
        "seasons-1985-1989.csv",
        {
            "exact_duplicate": 2,
            "untidy_values": 2,
            "missing_key": 1,
            "unparsable_salary": 1,
            "negative_salary": 1,
            "unknown_team": 1,
            "season_outside_data": 2,
        },
    ),
    (
        1,
        "seasons-1990-1999.csv.gz",
        {
            "exact_duplicate": 2,
            "two_versions_of_a_key": 2,
            "untidy_values": 2,
            "quoted_line_break": 1,
            "unparsable_date": 1,
        },
    ),
    (
        1,
        "seasons-2000-2009.csv",
        {
            "exact_duplicate": 1,
            "two_versions_of_a_key": 2,
            "same_sequence_conflict": 1,
            "two_people_one_id": 1,
            "missing_key": 1,
            "not_utf8": 1,
            "crlf": 1,
        },
    ),
    (
        1,
        "seasons-2010-2013.csv",
        {
            "same_sequence_conflict": 1,
            "two_people_one_id": 1,
            "quoted_line_break": 1,
            "untidy_values": 2,
            "unparsable_salary": 1,
            "unparsable_date": 1,
            "negative_salary": 1,
            "unknown_team": 1,
        },
    ),
    (
        2,
        "opening-day-2014-part-1.csv",
        {
            "exact_duplicate": 1,
            "two_versions_of_a_key": 1,
            "same_sequence_conflict": 1,
            "two_people_one_id": 1,
            "missing_key": 1,
            "not_utf8": 1,
            "bom": 1,
        },
    ),
    (2, "opening-day-2014-part-2.csv", {"unparsable_salary": 1, "truncated_last_line": 1}),
    (2, "managers-supplement-2014.csv", {"header_only": 1}),
    (
        3,
        "salary-review-2014-07.csv",
        {"exact_duplicate": 1, "two_people_across_deliveries": 1, "negative_salary": 1},
    ),
    (4, "corrections-2014-10.csv", {"crlf": 1, "unknown_team": 1}),
    (
        5,
        "opening-day-2015-part-1.csv",
        {
            "exact_duplicate": 1,
            "same_sequence_conflict": 1,
            "quoted_line_break": 1,
            "untidy_values": 1,
            "negative_salary": 1,
            "extra_column": 1,
        },
    ),
    (
        5,
        "opening-day-2015-part-2.csv",
        {"two_versions_of_a_key": 1, "two_people_one_id": 1, "unparsable_date": 1},
    ),
    (5, "managers-supplement-2015.csv", {"empty_file": 1}),
    (
        6,
        "salary-review-2015-07.csv",
        {
            "two_versions_of_a_key": 1,
            "two_people_across_deliveries": 1,
            "missing_key": 1,
            "bom": 1,
        },
    ),
    (7, "corrections-2015-10.csv", {"unparsable_salary": 1, "columns_in_another_order": 1}),
    (
        8,
        "opening-day-2016-part-1.csv",
        {
            "exact_duplicate": 1,
            "two_versions_of_a_key": 1,
            "two_people_one_id": 1,
            "untidy_values": 2,
            "unknown_team": 1,
            "columns_in_another_order": 1,
        },
    ),
    (
        8,
        "opening-day-2016-part-2.csv.gz",
        {"same_sequence_conflict": 1, "season_outside_data": 1, "crlf": 1},
    ),
    (
        9,
        "salary-review-2016-07.csv",
        {
            "untidy_values": 1,
            "two_people_across_deliveries": 1,
            "unparsable_date": 1,
            "extra_column": 1,
        },
    ),
    (10, "corrections-2016-10.csv", {"missing_key": 1, "truncated_last_line": 1}),
    (10, "managers-supplement-2016.csv", {"empty_file": 1}),
)
