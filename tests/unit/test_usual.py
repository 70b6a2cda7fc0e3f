"""The bounds of what is usual, as properties: half warns, a tenth stops, and a wild feed is a wild feed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spark_jobs.usual import (
    HIGH,
    LOW,
    STOPPING,
    UNKNOWN,
    USUAL,
    VERY_HIGH,
    VERY_LOW,
    Limits,
    bounds,
    judge,
)

LIMITS = Limits()
#: A busy machine draws slowly.
few = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
figures = st.integers(0, 10_000_000).map(float)
histories = st.lists(figures, max_size=30)
#: From far below to far above.
SCALE = (VERY_LOW, LOW, USUAL, HIGH, VERY_HIGH)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0, VERY_LOW),
        (100, VERY_LOW),
        (101, LOW),
        (500, LOW),
        (501, USUAL),
        (1000, USUAL),
        (1999, USUAL),
        (2000, HIGH),
        (9999, HIGH),
        (10_000, VERY_HIGH),
        (None, UNKNOWN),
    ],
)
def test_half_the_usual_warns_and_a_tenth_stops(value: float | None, verdict: str) -> None:
    assert judge(value, [1000.0, 1000.0, 990.0, 1010.0, 1000.0], LIMITS) == verdict


@few
@given(st.lists(figures, max_size=4), figures)
def test_without_history_every_delivery_passes(before: list[float], value: float) -> None:
    assert judge(value, before, LIMITS) == UNKNOWN
    assert judge(value, [*before, 0, 0, 0], LIMITS) == UNKNOWN, "a figure of zero is no history"


@few
@given(histories, figures, figures)
def test_more_is_never_judged_lower(before: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    verdicts = judge(low, before, LIMITS), judge(high, before, LIMITS)
    if UNKNOWN not in verdicts:
        assert SCALE.index(verdicts[0]) <= SCALE.index(verdicts[1])


@few
@given(histories)
def test_what_is_usual_is_usual_and_warnings_come_before_stops(before: list[float]) -> None:
    found = bounds(before, LIMITS)
    if found:
        assert found.verdict(found.usual) == USUAL
        assert 2 <= found.warn <= found.stop and found.stop >= 10


@few
@given(st.lists(st.integers(900, 1100).map(float), min_size=13, max_size=13), figures)
def test_one_odd_delivery_does_not_move_the_bounds(before: list[float], odd: float) -> None:
    for value in (90.0, 50.0, 0.0):
        assert judge(value, [*before, odd], LIMITS) in STOPPING
    assert judge(1000.0, [*before, odd], LIMITS) == USUAL


@few
@given(histories, figures)
def test_only_the_last_deliveries_count(before: list[float], value: float) -> None:
    known = [figure for figure in before if figure]
    assert judge(value, before, LIMITS) == judge(value, known[-LIMITS.history :], LIMITS)


def test_a_feed_that_differs_much_from_day_to_day_has_wide_bounds() -> None:
    wild = [38_083.0, 1359, 109, 171, 1385, 119, 202, 1429, 116]
    assert judge(200, wild, LIMITS) == USUAL
    assert judge(1, wild, LIMITS) in STOPPING


def test_a_limit_of_zero_is_never_reached() -> None:
    never = Limits(warn=0, stop=0)
    assert {judge(value, [1000.0] * 5, never) for value in (0.0, 1.0, 1e12)} == {USUAL}
