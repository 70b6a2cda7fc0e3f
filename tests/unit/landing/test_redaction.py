"""Files without the records of some people: every other byte as it was."""

import gzip

import pytest

from spark_jobs.contracts.contract import Contract
from spark_jobs.landing.redaction import redact
from spark_jobs.privacy.erasure import ErasedPeople, person_column

HEAD = b"employee_id,name,note\n"
COLUMNS = ("employee_id", "name")


@pytest.fixture
def people(contract: Contract) -> ErasedPeople:
    nobody = ErasedPeople(person_column(contract), (), b"k" * 32, frozenset())
    return nobody.of(frozenset({str(nobody.pseudonym("gone01"))}))


@pytest.mark.parametrize(
    ("content", "left", "records"),
    [
        (HEAD + b"a1,A,\ngone01,G,\nb1,B,\n", HEAD + b"a1,A,\nb1,B,\n", 1),
        (HEAD + b"gone01,G,", HEAD, 1),
        (
            HEAD + b'a1,"x, ""y""\nz",\n"GONE01 ","one\ntwo",\n\nb1,\xff\xfe,\n',
            HEAD + b'a1,"x, ""y""\nz",\n\nb1,\xff\xfe,\n',
            1,
        ),
        (
            b"\xef\xbb\xbfname,employee_id\r\nA,a1\r\nG,gone01\r\n",
            b"\xef\xbb\xbfname,employee_id\r\nA,a1\r\n",
            1,
        ),
        (HEAD + b"a1,A,B,C\ngone01;G\nb1,B,\n", HEAD + b"a1,A,B,C\nb1,B,\n", 1),
        (HEAD + b'a1,A,"knows gone01"\nb1,B,"as, it was"\n', HEAD + b'a1,A,\nb1,B,"as, it was"\n', 1),
        (b"employee_id,name,_raw\na1,A,knows gone01\n", b"employee_id,name,_raw\na1,A,\n", 1),
        (b"employee_id,name,_raw\n,gone01,x\nb1,B,\n", b"employee_id,name,_raw\nb1,B,\n", 1),
        (HEAD + b'a1,"never\ngone01,G,\nb1,B,\n', HEAD + b'a1,"never\nb1,B,\n', 1),
        (b"some,other,header\ngone01,x\nb1,y\n", b"some,other,header\nb1,y\n", 1),
        ("id\ngone01\nb1\n".encode("utf-16"), "id\nb1\n".encode("utf-16"), 1),
    ],
)
def test_only_the_records_of_the_person_go(
    people: ErasedPeople, content: bytes, left: bytes, records: int
) -> None:
    redaction = redact(content, COLUMNS, people)
    assert redaction and (redaction.content, redaction.records) == (left, records)
    assert redact(left, COLUMNS, people) is None


def test_a_packed_file_stays_packed_and_the_same_comes_out_each_time(people: ErasedPeople) -> None:
    packed = gzip.compress(HEAD + b"a1,A,\ngone01,G,\n")
    redactions = [redact(packed, COLUMNS, people) for _ in range(2)]
    assert redactions[0] == redactions[1] and redactions[0] and redactions[0].content
    assert gzip.decompress(redactions[0].content) == HEAD + b"a1,A,\n"


def test_a_file_that_is_no_text_is_only_searched(people: ErasedPeople) -> None:
    broken = gzip.compress(HEAD + b"gone01,G,\n" + bytes(range(256)) * 500)[:-20]
    redaction = redact(broken, COLUMNS, people)
    assert redaction and redaction.content is None
    assert redact(b"\x00\x01 gone01", COLUMNS, people)
    assert redact(b"\x00\x01 other1", COLUMNS, people) is None
    assert redact(b"", COLUMNS, people) is None
