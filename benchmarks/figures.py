"""docs/benchmarks.json: the measured cases; a run of the bench replaces its own, or adds to them."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.clones import Written
from benchmarks.measure import Measured

#: Between the commands of a case, on a page that puts all of them between backquotes.
_AND = "` and `"


@dataclass(frozen=True)
class Case:
    """A delivery into Silver of so many rows, the runs of each contender, and how they were made."""

    rows: int
    scenario: str
    delivered_bytes: int
    runs: dict[str, list[Measured]]
    command: str
    made: str
    machine: str
    revision: str = ""

    @property
    def name(self) -> tuple[int, str]:
        """What the case is called by."""
        return self.rows, self.scenario


def read_cases(file: Path) -> list[Case]:
    """The cases of a file; none if it is not there."""
    if not file.exists():
        return []
    return [_case(values) for values in json.loads(file.read_text())["cases"]]


def write_cases(file: Path, cases: list[Case]) -> None:
    """Write a file of cases."""
    file.write_text(json.dumps({"cases": [_as_json(case) for case in cases]}, indent=1) + "\n")


def with_case(cases: list[Case], new: Case) -> list[Case]:
    """The cases with a new one in its place, in the order of their sizes."""
    return sorted([case for case in cases if case.name != new.name] + [new], key=lambda case: case.name)


def with_runs_of(case: Case, before: Case | None) -> Case:
    """A case with the runs of an earlier one as well, and both commands."""
    if before is None:
        return case
    names = [*before.runs, *(name for name in case.runs if name not in before.runs)]
    runs = {name: before.runs.get(name, []) + case.runs.get(name, []) for name in names}
    commands = before.command.split(_AND)
    command = _AND.join(commands if case.command in commands else [*commands, case.command])
    return replace(case, runs=runs, command=command, revision=_both(before.revision, case.revision))


def _both(before: str, after: str) -> str:
    return after if after in ("", before) or not before else f"{before}, {after}"


def _case(values: dict) -> Case:
    runs = {name: [_measured(run) for run in some] for name, some in values["runs"].items()}
    return Case(**{**values, "runs": runs})


def _measured(values: dict) -> Measured:
    return Measured(**{**values, "written": Written(**values["written"])})


def _as_json(case: Case) -> dict:
    return {
        **{name: value for name, value in asdict(case).items() if name != "runs"},
        "runs": {name: [run.as_json() for run in some] for name, some in case.runs.items()},
    }
