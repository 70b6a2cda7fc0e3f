"""The processes that a process has started."""

from pathlib import Path


def children_of(pid: int) -> list[int]:
    """The living children, and theirs, the youngest first."""
    parents = {int(stat.parent.name): _parent(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
    found, layer = [], {pid}
    while layer:
        layer = {child for child, parent in parents.items() if parent in layer}
        found = [*layer, *found]
    return found


def _parent(stat: Path) -> int | None:
    try:
        # The name, in parentheses, may hold blanks.
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None
