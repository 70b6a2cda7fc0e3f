"""Choices that look random and are the same on every machine and Python version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def number(*parts: object) -> int:
    """A 64-bit number that depends on nothing but the parts.

    >>> number("a", 1) == number("a", 1), number("a", 1) == number("a1")
    (True, False)
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def pick(candidates: Sequence[T], *parts: object) -> T:
    """One of the candidates."""
    return candidates[number(*parts) % len(candidates)]


def shuffled(items: Iterable[T], *parts: object) -> list[T]:
    """The items in an order of their own: each item's place depends on the item only."""
    return sorted(items, key=lambda item: number(*parts, item))
