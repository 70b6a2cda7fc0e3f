"""What a part of the simulation has come to, and how a violation is told."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from tests.reliability.simulation.invariants import SENTENCES, Violation

#: So many of a trace's last steps are shown.
_LAST = 40


class Tried(Protocol):
    """What one seed came to, of either half."""

    seed: int
    trace: list[str]
    faults: dict[str, int]
    violations: list[Violation]


@dataclass
class Result:
    """A row of the table that `make reliability` makes; `lost` counts the seeds with a violation."""

    name: str
    tried: int = 0
    lost: int = 0
    seconds: float = 0.0
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Tried) -> None:
        self.tried += 1
        self.lost += bool(outcome.violations)
        self.steps += len(outcome.trace)
        self.faults.update(outcome.faults)

    def as_line(self) -> str:
        faults = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.faults.items()))
        return (
            f"{self.name}: {self.tried:,} seeds, {self.steps:,} steps, {self.seconds:.0f} s; "
            f"faults met: {faults or 'none'}; violations {self.lost}"
        )


def as_json(results: Iterable[Result]) -> str:
    # Not by asdict, which makes another Counter of a Counter's pairs.
    return json.dumps([{**vars(result), "faults": dict(result.faults)} for result in results], indent=2)


def story(outcome: Tried, part: str) -> str:
    """A violation for whoever has to find out: seed, sentence, what was found, the way there, a command."""
    said = [f"  {SENTENCES[v.invariant]}\n    {v.found[:500]}" for v in outcome.violations[:5]]
    return "\n".join(
        [
            f"Seed {outcome.seed} of {part} contradicts:",
            *said,
            f"The last of {len(outcome.trace)} lines of its trace:",
            *outcome.trace[-_LAST:],
            "Again, with the whole trace:",
            f"  .venv/bin/python -m tests.reliability.simulation --part {part} --seeds 1 "
            f"--from {outcome.seed} --trace",
        ]
    )
