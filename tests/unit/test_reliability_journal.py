"""The journal of what has been tried to break the promise, and the page that is made of it."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.journal import Entry, enter, entered, entries, well
from tests.reliability.page import BEGIN, END, write_page
from tests.reliability.resumable import go_through


@dataclass(frozen=True)
class Case:
    name: str
    row: str = "matrix: kill"
    number: int = 1
    replay: str = "again"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Outcome:
    pair: str
    problems: tuple[str, ...]
    seconds: float = 1.0


def entry(what: str, lost: int = 0, day: str = "2026-11-30", commit: str = "b", tried: int = 1) -> Entry:
    return Entry("matrix: kill", what, tried, lost, 1.0, day, commit)


def test_a_later_try_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    enter(journal, entry("one", lost=1), entry("two"))
    assert well(journal) == {("matrix: kill", "two")}
    enter(journal, entry("one"))
    assert entries(journal) == [entry("one"), entry("two")]


def test_an_entry_says_at_which_commit() -> None:
    assert entered("matrix: kill", "one", 1, 0, 1.26).commit


def test_what_went_well_is_not_tried_again_and_the_rest_is_entered(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    enter(journal, entry("known"), entry("lost", lost=1))
    met: list[str] = []

    def attempt(case: Case) -> Outcome:
        met.append(str(case))
        return Outcome(str(case), ("wrong",) if case.name == "bad" else ())

    given = argparse.Namespace(journal=journal, only=None, seconds=None)
    cases = [Case("known"), Case("lost"), Case("new", number=7), Case("bad"), Case("known", row="another")]
    go_through(cases, attempt, Outcome, tmp_path, given, 0.0)
    assert met == ["lost", "new", "bad", "known"]
    found = {(each.of, each.what): (each.tried, each.lost) for each in entries(journal)}
    assert found == {
        ("matrix: kill", "known"): (1, 0),
        ("matrix: kill", "lost"): (1, 0),
        ("matrix: kill", "new"): (7, 0),
        ("matrix: kill", "bad"): (1, 1),
        ("another", "known"): (1, 0),
    }


def test_the_page_says_how_many_of_how_many(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    journal = [
        entry("one", day="2026-11-29", commit="a"),
        entry("two", lost=1),
        entry("of code that is no more"),
        Entry("seeds", "MLB_SEED=1 python x", 1000, 0, 7200.0, "2026-11-30", "b"),
    ]
    write_page(page, journal, {"matrix: kill": {"one": 1, "two": 1, "three": 9}, "matrix: delay": {"x": 4}})
    before, *table, after = page.read_text().splitlines()
    assert (before, after) == ("before", "after")
    assert table[3:-1] == [
        "| matrix: delay | 0 | 4 | 0 | 0.0 | - | - |",
        "| matrix: kill | 2 | 11 | 1 | 0.0 | 2026-11-29, 2026-11-30 | a, b |",
        "| seeds | 1,000 | 1,000 | 0 | 2.0 | 2026-11-30 | b |",
    ]
