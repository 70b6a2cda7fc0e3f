"""The file of the bench's figures: what a run replaces, what it adds to, and what it leaves."""

from pathlib import Path

from benchmarks.clones import Written
from benchmarks.figures import Case, read_cases, with_case, with_runs_of, write_cases
from benchmarks.measure import Measured


def run(contender: str, cold_s: float) -> Measured:
    return Measured(contender, 5.0, cold_s, None, {"merge": cold_s}, 1, 2, Written(1, 2, 3, 4), {"jobs": 9})


def case(rows: int, command: str = "make bench", **runs: list[float]) -> Case:
    measured = {name: [run(name, cold) for cold in seconds] for name, seconds in runs.items()}
    return Case(rows, "1pct-clustered", 100, measured, command, "2026-11-27T10:00:00+00:00", "2 cores")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    cases = [case(1000, naive=[3.0, 4.0], glue=[9.0]), case(2000, naive=[5.0])]
    write_cases(tmp_path / "figures.json", cases)
    assert read_cases(tmp_path / "figures.json") == cases


def test_without_a_file_there_are_no_cases(tmp_path: Path) -> None:
    assert read_cases(tmp_path / "figures.json") == []


def test_a_case_replaces_its_own_and_leaves_the_others() -> None:
    other, old, new = case(2000, naive=[5.0]), case(1000, naive=[3.0]), case(1000, glue=[9.0])
    assert with_case([other, old], new) == [new, other]


def test_more_runs_are_added_to_those_before_and_both_commands_told() -> None:
    before, more = case(1000, naive=[3.0], glue=[9.0]), case(1000, "MORE=1 make bench", naive=[4.0])
    both = with_runs_of(more, before)
    assert both == case(1000, "make bench` and `MORE=1 make bench", naive=[3.0, 4.0], glue=[9.0])
    # A round later the same run of the bench comes with both of its rounds, to the same figures before.
    later = with_runs_of(case(1000, "MORE=1 make bench", naive=[4.0, 6.0]), before)
    assert [r.cold_s for r in later.runs["naive"]] == [3.0, 4.0, 6.0]
