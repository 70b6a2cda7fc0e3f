"""Waiting for a condition, never for a time."""

import contextlib
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
_EVERY_SECONDS = 0.2


def wait_until(
    reached: Callable[[], Found | None], seconds: float = 60, what: str = "a condition"
) -> Found:
    """What `reached` returns, as soon as that is something; an error of a connection is nothing yet."""
    ends = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if found := reached():
                return found
        assert time.monotonic() < ends, f"not within {seconds} s: {what}"
        time.sleep(_EVERY_SECONDS)
