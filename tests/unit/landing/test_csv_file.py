"""The dialects that are read, and what is said of what cannot be."""

import gzip

import pytest

from spark_jobs.landing import csv_file
from spark_jobs.landing.csv_file import (
    MOST_COLUMNS,
    RECORD_SIZE,
    Record,
    UnreadableFile,
    read_records,
)

COLUMNS = ("id", "name")


def records(content: str | bytes) -> list[Record]:
    data = content.encode() if isinstance(content, str) else content
    return list(read_records(data, COLUMNS))


@pytest.mark.parametrize(
    "content",
    [
        "id,name\n1,Ann\n2,Bo\n",
        "id,name\r\n1,Ann\r\n2,Bo",
        "\ufeffid,name\n1,Ann\n\n2,Bo\n",
        "name,id\nAnn,1\nBo,2\n",
        ' ID ,Name\n"1","Ann"\n2,Bo\n',
        gzip.compress(b"id,name\n1,Ann\n2,Bo\n"),
    ],
    ids=["plain", "crlf", "bom_and_blank_line", "other_order", "quotes_and_case", "gzip"],
)
def test_dialects_give_the_same_records(content: str | bytes) -> None:
    read = records(content)
    assert [(r.number, r.fields) for r in read] == [
        (1, {"id": "1", "name": "Ann"}),
        (2, {"id": "2", "name": "Bo"}),
    ]
    assert not any(r.problem or r.extra for r in read)


def test_a_quoted_line_break_belongs_to_its_field() -> None:
    assert records('id,name\n1,"An\nn"\n2,Bo\n')[0].fields["name"] == "An\nn"


def test_an_unknown_column_is_kept_aside() -> None:
    record = records("id,name,agent\n1,Ann,Cy\n")[0]
    assert record.fields == {"id": "1", "name": "Ann"}
    assert record.extra == {"agent": "Cy"}


def test_a_record_of_the_wrong_length_keeps_its_line_and_spares_the_others() -> None:
    short, good = records("id,name\n1\n2,Bo\n")
    assert short.problem and short.problem.code == "malformed_row"
    assert short.extra == {"_raw": "1"}
    assert good.fields == {"id": "2", "name": "Bo"} and good.number == 2


def test_a_quote_that_is_never_closed_is_one_malformed_record() -> None:
    good, broken = records('id,name\n1,Ann\n2,"Bo\n3,Cy\n')
    assert good.problem is None
    assert broken.problem and broken.problem.code == "malformed_row"
    assert broken.extra["_raw"] == '2,"Bo\n3,Cy'


def test_bytes_that_are_not_utf8_are_shown_and_named_by_column() -> None:
    good, broken = records(b"id,name\n1,Ann\n2,Jos\xe9\n")
    assert good.problem is None
    assert broken.fields["name"] == r"Jos\xe9"
    assert broken.problem and (broken.problem.code, broken.problem.column) == (
        "invalid_utf8",
        "name",
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (gzip.compress(b""), "file_empty"),
        (gzip.compress(b"id,name\n1,Ann\n")[:-9], "file_gzip_broken"),
        ("id,name\n1,Ann\n".encode("utf-16"), "file_not_utf8"),
        (b"PK\x03\x04\x00\x00", "file_not_csv"),
        (b"a,b\n1,2\n", "file_header_missing"),
        (b"id,other\n1,2\n", "file_columns_missing"),
        (b"id,name,name\n1,2,3\n", "file_columns_twice"),
    ],
    # Named by what is wrong: a packed file's bytes hold the time, so two workers would name it differently.
    ids=["empty", "packed_empty", "gzip_cut", "utf16", "zip", "no_header", "no_name", "name_twice"],
)
def test_a_file_that_is_no_csv_says_why(content: bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        records(content)
    assert caught.value.code == code
    assert caught.value.sentence.endswith(".")


def test_a_header_alone_is_a_file_without_records() -> None:
    assert records("id,name\n") == []


@pytest.mark.parametrize("line", ["1,Ann,Cy", "1"], ids=["too many fields", "too few"])
def test_a_record_of_another_length_than_the_header_is_malformed(line: str) -> None:
    (record,) = records(f"id,name\n{line}\n")
    assert record.problem and record.problem.code == "malformed_row"
    assert record.extra == {"_raw": line}


def test_a_small_packed_file_that_unpacks_to_too_much_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "MAX_UNPACKED", 1000)
    bomb = gzip.compress(b"id,name\n" + b"1,Ann\n" * 1000)
    assert len(bomb) < 1000
    assert code_of(bomb) == "file_too_large"
    assert len(records(gzip.compress(b"id,name\n" + b"1,Ann\n" * 100))) == 100


def test_a_line_that_is_no_record_is_not_held_in_memory() -> None:
    assert code_of(b"id,name\n1," + b"x" * RECORD_SIZE + b"\n2,Bo\n") == "file_not_csv"
    assert code_of(b"id,name" + b"," * RECORD_SIZE) == "file_not_csv"
    # In a part of its own, over several, and with the other line end.
    assert code_of(b"id,name\r" + b"x\r" * 2**20 + b"," * (RECORD_SIZE + 1) + b"\rx") == "file_not_csv"


def test_a_record_of_many_lines_ends_where_it_is_too_long() -> None:
    fields = '"\n",' * (RECORD_SIZE // 4)
    first, *_, last = records(f"id,name\n1,{fields}\n2,Bo\n")
    assert first.problem and "characters" in first.problem.about
    assert last.fields == {"id": "2", "name": "Bo"}


def test_a_header_of_very_many_columns_is_refused_at_once() -> None:
    many = ",".join(["id", "name", *map(str, range(MOST_COLUMNS))])
    assert code_of(many.encode()) == "file_columns_too_many"
    assert code_of(b"id,name" + b"," * (RECORD_SIZE - 10)) == "file_columns_too_many"


def code_of(content: bytes) -> str:
    with pytest.raises(UnreadableFile) as caught:
        records(content)
    return caught.value.code
