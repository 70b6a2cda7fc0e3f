"""Pieces of SQL as text."""

from collections.abc import Sequence


def literal(text: str) -> str:
    """A string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def all_equal(left: str, right: str, names: Sequence[str]) -> str:
    """Column by column and null-safe: never a concatenated key, in which two keys can meet."""
    return " AND ".join(f"{left}.{name} <=> {right}.{name}" for name in names) or "true"
