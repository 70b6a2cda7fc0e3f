"""What would change, as the comparison of a dry run has counted it, for the person who approves."""

from typing import Any

_KINDS = ("added", "changed", "removed")


def differences(result: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Rows added, changed and removed by table, from a job's result; only tables that differ."""
    found: dict[str, dict[str, int]] = {}
    for name, count in (result.get("rows") or {}).items():
        table, _, kind = name.rpartition(" ")
        if "/" in table and kind in _KINDS and count:
            found.setdefault(table, dict.fromkeys(_KINDS, 0))[kind] = count
    return found


def as_markdown(result: dict[str, Any]) -> str:
    """The differences as a table and the job's notes as a list; empty where nothing differs.

    A result whose counts did not fit into the pod's message (`left_out`) says so: the log has them.
    """
    found = differences(result)
    left_out = "rows" in (result.get("left_out") or {})
    if not found and not left_out:
        return ""
    lines = ["| table | added | changed | removed |", "|---|---:|---:|---:|"]
    lines += [
        f"| {table} | {' | '.join(f'{counts[kind]:,}' for kind in _KINDS)} |"
        for table, counts in sorted(found.items())
    ]
    if left_out:
        lines = ["The counts did not fit into the pod's message: see the log of `compare`."]
    notes = [f"- {note}" for note in result.get("notes") or []]
    return "\n".join([*lines, "", *notes])
