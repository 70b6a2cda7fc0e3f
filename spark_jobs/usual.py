"""What is usual of a delivery: bounds on a figure of it, from that figure of the deliveries before.

The usual is the median, which one odd delivery does not move. How far a delivery may be from it is
counted in factors, since feeds differ by factors and not by sums: at half the usual or less, or at twice
or more, it warns, at a tenth or ten times it stops. Where the deliveries differ much among themselves
these factors are too narrow: then the bounds are as wide as what is usual, see `bounds`.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

USUAL, LOW, HIGH, VERY_LOW, VERY_HIGH = "usual", "low", "high", "very_low", "very_high"
#: There are too few deliveries before it to say, or the figure is not known.
UNKNOWN = "unknown"
#: Verdicts for which a delivery waits for a person.
STOPPING = (VERY_LOW, VERY_HIGH)
WARNING = (LOW, HIGH)


@dataclass(frozen=True)
class Limits:
    """The shares of the usual at which a delivery warns and stops (0: never), and what the usual is of.

    history: so many of the newest deliveries before it; minimum: with fewer of them nothing is said.
    """

    warn: float = 0.5
    stop: float = 0.1
    history: int = 14
    minimum: int = 5


@dataclass(frozen=True)
class Bounds:
    """The usual, and the factors from it, to both sides, from which on a figure warns and stops."""

    usual: float
    warn: float
    stop: float

    def verdict(self, value: float) -> str:
        """How a figure compares: one of the verdicts above."""
        if value * self.stop <= self.usual:
            return VERY_LOW
        if value >= self.usual * self.stop:
            return VERY_HIGH
        if value * self.warn <= self.usual:
            return LOW
        return HIGH if value >= self.usual * self.warn else USUAL


@dataclass(frozen=True)
class Passed:
    """A person's word that an unusual delivery is as it should be: who, and why."""

    by: str
    reason: str


def bounds(before: Sequence[float], limits: Limits) -> Bounds | None:
    """The bounds after some deliveries' figures, the oldest first; None where they are too few.

    Figures of zero say nothing of what is usual. The typical fold is the median of how many times each is
    greater or less than the usual. Its fourth power (almost three standard deviations, of figures whose
    logarithms have a normal distribution) warns where that is more than the limit; its square stops.
    """
    known = [value for value in before if value > 0][-limits.history :]
    if len(known) < limits.minimum:
        return None
    usual = statistics.median(known)
    fold = statistics.median(max(value / usual, usual / value) for value in known)
    wide = (fold * fold) * (fold * fold)
    return Bounds(usual, max(factor(limits.warn), wide), max(factor(limits.stop), wide * wide))


def factor(share: float) -> float:
    """The factor of a limit's share; without end for 0, which nothing reaches."""
    return 1 / share if share else float("inf")


def judge(value: float | None, before: Sequence[float], limits: Limits) -> str:
    """The verdict on a figure (None: it is not known) after the figures of deliveries before it."""
    known = None if value is None else bounds(before, limits)
    return UNKNOWN if known is None or value is None else known.verdict(value)
