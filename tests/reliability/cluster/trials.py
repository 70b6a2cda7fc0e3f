"""The trials of the cluster: which fault comes while which stage's pod runs."""

from dataclasses import dataclass

from tests.e2e.deployed import STAGES
from tests.reliability.cluster.faults import FAULTS, Fault

NAME = "faults of the cluster"


@dataclass(frozen=True)
class Trial:
    """A fault that comes while a stage's pod runs."""

    fault: Fault
    task: str
    round: int

    def __str__(self) -> str:
        return f"{self.fault.name} in {STAGES[self.task]} ({self.round})"

    @property
    def row(self) -> str:
        return NAME

    @property
    def number(self) -> int:
        return 1

    @property
    def replay(self) -> str:
        """The command that does it again."""
        return f'python -m tests.reliability.cluster --only "{self}"'


def trials() -> list[Trial]:
    """Every fault in every stage, three times: all of them once before any a second time."""
    return [Trial(fault, task, number) for number in (1, 2, 3) for fault in FAULTS for task in STAGES]
