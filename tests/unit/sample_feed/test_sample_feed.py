"""The sample feed as a reader of the landing zone finds it: every file read back with csv."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from spark_jobs import sample_feed
from spark_jobs.sample_feed import FeedSummary, TooFewRows, write_sample_feed
from spark_jobs.sample_feed.catalogue import KINDS
from spark_jobs.sample_feed.source import Databank, locate_zip, read_databank

HEADER_LINE = (
    "employee_id,season,team_id,league,first_name,last_name,birth_date,birth_city,birth_state,"
    "birth_country,role,position,bats,throws,games,salary,debut,ssn,email,phone,updated_at,"
    "operation"
)
HEADER = HEADER_LINE.split(",")
OPENING_DAYS = ("2023-10-02", "2023-10-05", "2023-10-08")
FEW_TEAMS = frozenset({"NYA", "BOS", "CHN"})

Row = dict[str, str]
Key = tuple[str, str, str]


@dataclass
class ReadFeed:
    """A written feed, read back without the code that wrote it."""

    landing: Path
    summary: FeedSummary

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.landing / "sample-feed.json").read_bytes())

    @cached_property
    def files(self) -> dict[str, list[list[str]]]:
        """Path to records, the header first; in the order of the deliveries."""
        paths = sorted((self.landing / "employees").glob("*/*"))
        return {str(path.relative_to(self.landing)): list(records(path)) for path in paths}

    @cached_property
    def tables(self) -> dict[str, list[Row]]:
        """Path to rows by column; a row that breaks off has fewer."""
        return {
            path: [dict(zip(lines[0], record, strict=False)) for record in lines[1:]]
            for path, lines in self.files.items()
        }

    def rows(self, path: str) -> list[Row]:
        return self.tables[path]

    def defects(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in self.manifest["defects"] if entry["defect"] == name]

    def listed(self, entry: dict[str, Any]) -> list[Row]:
        rows = self.rows(entry["file"])
        return [rows[number - 1] for number in entry["rows"]]

    @cached_property
    def quarantined(self) -> set[tuple[str, int]]:
        return {
            (entry["file"], number)
            for entry in self.manifest["defects"]
            if entry["outcome"] == "quarantined"
            for number in entry["rows"]
        }

    @cached_property
    def accepted(self) -> list[tuple[str, Row]]:
        """Path and cleaned row of everything that the list does not refuse."""
        return [
            (path, clean(row))
            for path in self.files
            for number, row in enumerate(self.rows(path), start=1)
            if (path, number) not in self.quarantined
        ]

    def current(self) -> dict[Key, Row]:
        """The newest accepted version of each key."""
        newest: dict[Key, Row] = {}
        for _, row in self.accepted:
            known = newest.get(key(row))
            if known is None or row["updated_at"] > known["updated_at"]:
                newest[key(row)] = row
        return newest


def content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def records(path: Path) -> Iterator[list[str]]:
    text = content(path).decode("utf-8", errors="surrogateescape").removeprefix("\ufeff")
    return csv.reader(io.StringIO(text, newline=""))


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def key(row: Row) -> Key:
    return row["employee_id"], row["season"], row["team_id"]


def clean(row: Row) -> Row:
    """What a tidy sender would have written."""
    tidy = {name: value.strip() for name, value in row.items()}
    tidy["team_id"], tidy["league"] = tidy["team_id"].upper(), tidy["league"].upper()
    tidy["email"] = tidy["email"].lower()
    tidy["salary"] = "" if tidy["salary"] in ("NULL", "N/A") else tidy["salary"]
    for name in ("birth_date", "debut"):
        tidy[name] = re.sub(r"^(\d\d)/(\d\d)/(\d{4})$", r"\3-\1-\2", tidy[name])
    return tidy


@pytest.fixture(scope="module")
def databank() -> Databank:
    """The real data."""
    return read_databank(locate_zip())


@pytest.fixture(scope="module", autouse=True)
def read_once(databank: Databank) -> Iterator[None]:
    """The zip takes a second to read, and is the same each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample_feed, "read_databank", lambda path: databank)
        yield


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> ReadFeed:
    """The feed of all teams."""
    landing = tmp_path_factory.mktemp("full")
    return ReadFeed(landing, write_sample_feed(landing))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> ReadFeed:
    """The feed of three teams."""
    landing = tmp_path_factory.mktemp("small")
    return ReadFeed(landing, write_sample_feed(landing, teams=FEW_TEAMS))


@pytest.fixture(params=["full", "small"])
def feed(request: pytest.FixtureRequest) -> ReadFeed:
    """Either feed."""
    return request.getfixturevalue(request.param)


def test_there_are_ten_deliveries_a_day_each(feed: ReadFeed) -> None:
    days = sorted(path.name for path in (feed.landing / "employees").iterdir())
    assert days == [f"2023-10-{day:02d}" for day in range(1, 11)]
    assert [str(delivery.date) for delivery in feed.summary.deliveries] == days


def test_the_header_is_exact(feed: ReadFeed) -> None:
    odd = {
        entry["file"]
        for name in ("extra_column", "columns_in_another_order", "empty_file")
        for entry in feed.defects(name)
    }
    for path, lines in feed.files.items():
        if path not in odd:
            assert lines[0] == HEADER, path


def test_the_summary_counts_the_rows_of_the_files(feed: ReadFeed) -> None:
    told = {
        f"employees/{delivery.date}/{file.name}": file.rows
        for delivery in feed.summary.deliveries
        for file in delivery.files
    }
    assert told == {path: max(len(lines) - 1, 0) for path, lines in feed.files.items()}


def test_writing_again_writes_nothing(small: ReadFeed) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.landing.rglob("*")}
    again = write_sample_feed(small.landing, teams=FEW_TEAMS)
    assert before == {path: path.stat().st_mtime_ns for path in small.landing.rglob("*")}
    assert not any(file.written for delivery in again.deliveries for file in delivery.files)


def test_the_same_arguments_give_the_same_bytes_whatever_lay_there(small: ReadFeed, tmp_path: Path) -> None:
    broken = tmp_path / "employees/2023-10-02/managers-2014.csv"
    broken.parent.mkdir(parents=True)
    broken.write_text("half a fi")
    write_sample_feed(tmp_path, teams=FEW_TEAMS)
    assert tree(tmp_path) == tree(small.landing)


def test_another_seed_gives_another_feed_of_the_same_truth(small: ReadFeed, tmp_path: Path) -> None:
    other = ReadFeed(tmp_path, write_sample_feed(tmp_path, teams=FEW_TEAMS, seed=7))
    assert other.manifest["defects"] != small.manifest["defects"]
    known = small.current()
    for name, row in other.current().items():
        if row["operation"] == "U" and known[name]["operation"] == "U":
            assert row["salary"] == known[name]["salary"]


def test_every_employment_of_the_databank_is_delivered(full: ReadFeed, databank: Databank) -> None:
    real = {(e.employee_id, str(e.season), e.team_id) for e in databank.employments.values()}
    assert full.current().keys() == real


def test_a_feed_of_some_teams_has_all_of_their_employments(small: ReadFeed, databank: Databank) -> None:
    real = {
        (e.employee_id, str(e.season), e.team_id)
        for e in databank.employments.values()
        if e.team_id in FEW_TEAMS
    }
    assert small.current().keys() == real


def test_the_newest_versions_say_what_the_databank_says(feed: ReadFeed, databank: Databank) -> None:
    for (employee_id, season, team_id), row in feed.current().items():
        if row["operation"] == "D":
            continue
        real = databank.employments[employee_id, int(season), team_id]
        assert row["salary"] == ("" if real.salary is None else str(real.salary))
        assert row["games"] == ("" if real.games is None else str(real.games))
        assert (row["league"], row["role"], row["position"]) == (
            real.league,
            real.role,
            real.position,
        )
        assert row["last_name"] == databank.people[employee_id]["nameLast"]
        assert "\n" not in row["birth_city"]


def test_opening_day_has_some_salaries_wrong_and_july_puts_them_right(full: ReadFeed) -> None:
    current = full.current()
    for day in OPENING_DAYS:
        opening = [row for path, row in full.accepted if day in path]
        known = [row for row in opening if current[key(row)]["salary"]]
        wrong = [row for row in known if row["salary"] != current[key(row)]["salary"]]
        assert 0.03 < len(wrong) / len(known) < 0.08
        assert any(not row["salary"] for row in wrong)


def test_july_comes_again_in_october_byte_by_byte(feed: ReadFeed) -> None:
    entries = feed.defects("same_file_twice")
    assert len(entries) == 3
    for entry in entries:
        again = feed.landing / entry["file"]
        (first,) = (path for path in feed.landing.rglob(again.name) if path != again)
        assert first.parent.name < again.parent.name
        assert first.read_bytes() == again.read_bytes()
        assert not any(e["rows"] for e in feed.manifest["defects"] if e["file"] == entry["file"])


def test_late_rows_are_older_than_what_is_known_and_newer_than_opening_day(feed: ReadFeed) -> None:
    seen: dict[Key, list[tuple[str, str]]] = defaultdict(list)
    for path, row in feed.accepted:
        seen[key(row)].append((path, row["updated_at"]))
    for name in ("late_file", "late_after_load", "late_after_termination"):
        for entry in feed.defects(name):
            for row in feed.listed(entry):
                earlier = [at for path, at in seen[key(row)] if path[:20] < entry["file"][:20]]
                assert min(earlier) < row["updated_at"] < max(earlier)


def test_a_termination_fills_only_the_key_and_follows_a_delivery(feed: ReadFeed) -> None:
    seen: dict[Key, str] = {}
    ended: dict[str, int] = defaultdict(int)
    for path, row in feed.accepted:
        if row["operation"] == "D":
            filled = {name for name, value in row.items() if value}
            assert filled == {"employee_id", "season", "team_id", "updated_at", "operation"}
            assert seen[key(row)] < row["updated_at"]
            ended[path] += 1
        else:
            assert row["operation"] == "U"
            seen[key(row)] = row["updated_at"]
    assert len(ended) == 3 and all(5 <= count <= 12 for count in ended.values())


def test_every_row_is_of_its_season(feed: ReadFeed) -> None:
    for _, row in feed.accepted:
        assert row["season"] == row["updated_at"][:4]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["updated_at"])


def test_personal_data_is_visibly_invented(feed: ReadFeed) -> None:
    ssns: dict[str, str] = {}
    for _, row in feed.accepted:
        if row["operation"] == "D":
            continue
        assert re.fullmatch(r"9\d\d-[0-4]\d-\d{4}", row["ssn"])
        assert row["email"] == f"{row['employee_id']}@example.org"
        assert re.fullmatch(r"[2-9]\d\d-555-01\d\d", row["phone"])
        assert ssns.setdefault(row["ssn"], row["employee_id"]) == row["employee_id"]


def test_few_rows_of_a_delivery_are_to_be_refused(feed: ReadFeed) -> None:
    for delivery in feed.summary.deliveries:
        refused = [path for path, _ in feed.quarantined if str(delivery.date) in path]
        assert len(refused) <= 0.10 * delivery.rows, delivery.date


def test_each_delivery_has_defects_and_each_class_is_there(feed: ReadFeed) -> None:
    assert {entry["defect"] for entry in feed.manifest["defects"]} == KINDS.keys()
    days = {entry["delivery"] for entry in feed.manifest["defects"]}
    assert days == {str(delivery.date) for delivery in feed.summary.deliveries}
    for entry in feed.manifest["defects"]:
        assert f"/{entry['delivery']}/" in entry["file"]
        assert entry["outcome"] in (
            *("quarantined", "file_quarantined", "duplicate"),
            *("superseded", "accepted", "notice"),
        )


def test_no_row_has_two_defects(feed: ReadFeed) -> None:
    rows = [(entry["file"], number) for entry in feed.manifest["defects"] for number in entry["rows"]]
    assert len(rows) == len(set(rows))


def test_the_licence_is_told_in_the_words_of_the_databank(small: ReadFeed) -> None:
    with zipfile.ZipFile(locate_zip()) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/README.txt"))
        readme = " ".join(archive.read(name).decode().split()).lower()
    for sentence in small.manifest["attribution"]["wording"]:
        assert sentence.lower() in readme


def test_a_team_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No team of 1985-2016 is called XXX"):
        write_sample_feed(tmp_path, teams=frozenset({"NYA", "XXX"}))
    assert not list(tmp_path.iterdir())


def test_teams_without_rows_in_the_last_seasons_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(TooFewRows, match="choose teams that played in 2014-2016"):
        write_sample_feed(tmp_path, teams=frozenset({"MON"}))
    assert not list(tmp_path.iterdir())


# One check a class of defect: is the listed place what the list says?


def check_exact_duplicate(feed: ReadFeed, entry: dict[str, Any]) -> None:
    rows = feed.rows(entry["file"])
    (number,) = entry["rows"]
    assert rows[number - 1] in rows[: number - 1]


def check_two_versions(feed: ReadFeed, entry: dict[str, Any]) -> None:
    (older,) = feed.listed(entry)
    newer = [row for row in feed.rows(entry["file"]) if key(row) == key(older) and row != older]
    assert len(newer) == 1 and newer[0]["updated_at"] > older["updated_at"]


def check_conflict(feed: ReadFeed, entry: dict[str, Any]) -> None:
    one, other = feed.listed(entry)
    assert {name for name in one if one[name] != other[name]} == {"salary"}


def check_two_people(feed: ReadFeed, entry: dict[str, Any]) -> None:
    employee_id = feed.listed(entry)[0]["employee_id"]
    here = [e for e in feed.defects("two_people_one_id") if e["delivery"] == entry["delivery"]]
    listed = [row for e in here for row in feed.listed(e) if row["employee_id"] == employee_id]
    delivered = [
        row
        for path in feed.files
        if f"/{entry['delivery']}/" in path
        for row in feed.rows(path)
        if row.get("employee_id") == employee_id
    ]
    assert sorted(map(key, listed)) == sorted(map(key, delivered))
    for name in ("birth_date", "ssn", "last_name", "team_id"):
        assert len({row[name] for row in listed}) == 2
    assert len({row["season"] for row in listed}) == 1


def check_two_people_across(feed: ReadFeed, entry: dict[str, Any]) -> None:
    (row,) = feed.listed(entry)
    same = [
        (path, other)
        for path, other in feed.accepted
        if other["employee_id"] == row["employee_id"] and other["operation"] == "U"
    ]
    assert any(path[:20] < entry["file"][:20] for path, _ in same)
    assert not any(f"/{entry['delivery']}/" in path for path, _ in same)
    assert all(other["ssn"] != row["ssn"] for _, other in same)
    assert all(other["birth_date"] != row["birth_date"] for _, other in same)


def check_untidy(feed: ReadFeed, entry: dict[str, Any]) -> None:
    (row,) = feed.listed(entry)
    assert row["team_id"] == f" {clean(row)['team_id'].lower()} "
    assert row["email"].isupper()
    assert "/" in row["birth_date"]


def check_truncated(feed: ReadFeed, entry: dict[str, Any]) -> None:
    lines = feed.files[entry["file"]]
    assert entry["rows"] == [len(lines) - 1]
    assert len(lines[-1]) < len(HEADER)
    assert not content(feed.landing / entry["file"]).endswith(b"\n")


def check_not_utf8(feed: ReadFeed, entry: dict[str, Any]) -> None:
    (row,) = feed.listed(entry)
    with pytest.raises(UnicodeEncodeError):
        row["last_name"].encode()
    assert content(feed.landing / entry["file"]).count(b"\xf1") == 1


def check_late(feed: ReadFeed, entry: dict[str, Any]) -> None:
    assert "/late-" in entry["file"] and entry["rows"]


def listed_value(column: str, value: str) -> Callable[[ReadFeed, dict[str, Any]], None]:
    def check(feed: ReadFeed, entry: dict[str, Any]) -> None:
        assert [row[column] for row in feed.listed(entry)] == [value]

    return check


def header_is(fits: Callable[[list[str]], bool]) -> Callable[[ReadFeed, dict[str, Any]], None]:
    def check(feed: ReadFeed, entry: dict[str, Any]) -> None:
        assert entry["rows"] == [] and fits(feed.files[entry["file"]][0])

    return check


def bytes_are(fits: Callable[[bytes], bool]) -> Callable[[ReadFeed, dict[str, Any]], None]:
    def check(feed: ReadFeed, entry: dict[str, Any]) -> None:
        assert entry["rows"] == [] and fits((feed.landing / entry["file"]).read_bytes())

    return check


def check_crlf(feed: ReadFeed, entry: dict[str, Any]) -> None:
    lines = content(feed.landing / entry["file"]).splitlines(keepends=True)
    assert all(line.endswith(b"\r\n") for line in lines)


def check_line_break(feed: ReadFeed, entry: dict[str, Any]) -> None:
    assert ["\n" in row["birth_city"] for row in feed.listed(entry)] == [True]


CHECKS: dict[str, Callable[[ReadFeed, dict[str, Any]], None]] = {
    "exact_duplicate": check_exact_duplicate,
    "two_versions_of_a_key": check_two_versions,
    "same_sequence_conflict": check_conflict,
    "two_people_one_id": check_two_people,
    "two_people_across_deliveries": check_two_people_across,
    "missing_key": listed_value("employee_id", ""),
    "unparsable_salary": listed_value("salary", "12,5oo k"),
    "unparsable_date": listed_value("debut", "2014-13-45"),
    "negative_salary": listed_value("salary", "-500000"),
    "unknown_team": listed_value("team_id", "ZZZ"),
    "season_outside_data": listed_value("season", "1884"),
    "not_utf8": check_not_utf8,
    "truncated_last_line": check_truncated,
    "quoted_line_break": check_line_break,
    "untidy_values": check_untidy,
    "extra_column": header_is(lambda header: [h for h in header if h != "agent"] == HEADER),
    "columns_in_another_order": header_is(
        lambda header: header != HEADER and sorted(header) == sorted(HEADER)
    ),
    "bom": bytes_are(lambda data: data.startswith(b"\xef\xbb\xbf")),
    "crlf": check_crlf,
    "gzip": bytes_are(lambda data: data.startswith(b"\x1f\x8b") and data[4:8] == bytes(4)),
    "empty_file": bytes_are(lambda data: data == b""),
    "header_only": bytes_are(lambda data: data.decode().strip().split(",") == HEADER),
    "same_file_twice": bytes_are(lambda data: data != b""),
    "late_file": check_late,
    "late_after_load": check_late,
    "late_after_termination": check_late,
}


@pytest.mark.parametrize("name", KINDS)
def test_the_list_of_defects_is_true(feed: ReadFeed, name: str) -> None:
    entries = feed.defects(name)
    assert entries
    for entry in entries:
        CHECKS[name](feed, entry)
        assert (entry["outcome"], entry["reason"]) == (KINDS[name].outcome, KINDS[name].reason)


def test_what_looks_odd_is_listed(feed: ReadFeed) -> None:
    """Nothing is spoiled that the list does not know: unlisted duplicates, conflicts, bad rows."""
    for path in feed.files:
        entries = [entry for entry in feed.manifest["defects"] if entry["file"] == path]
        listed = {number for entry in entries for number in entry["rows"]}
        seen: set[Key] = set()
        for number, row in enumerate(feed.rows(path), start=1):
            if number in listed:
                continue
            assert key(row) not in seen, (path, number)
            seen.add(key(row))
            assert row == clean(row)
            assert None not in row.values()
