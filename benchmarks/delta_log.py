"""What commits did, as a Delta log says: files added, removed, and marked by deletion vectors."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_COMMIT = re.compile(r"^\d{20}\.json$")


@dataclass(frozen=True)
class Action:
    """A data file that a commit added or removed; `marked` where only its deletion vector changed."""

    path: str
    size: int
    removed: bool
    marked: bool


@dataclass(frozen=True)
class Work:
    """The work of some commits: data files written and removed, their bytes, and files only marked."""

    commits: int = 0
    files_added: int = 0
    bytes_added: int = 0
    files_removed: int = 0
    bytes_removed: int = 0
    files_marked: int = 0
    change_files: int = 0
    change_bytes: int = 0


def actions(commit: Path) -> Iterator[Action]:
    """The data files of one commit."""
    lines = [json.loads(line) for line in commit.read_text().splitlines()]
    added = {line["add"]["path"] for line in lines if "add" in line}
    removed = {line["remove"]["path"] for line in lines if "remove" in line}
    for line in lines:
        for kind in ("add", "remove"):
            if kind in line:
                path = line[kind]["path"]
                yield Action(path, line[kind].get("size") or 0, kind == "remove", path in added & removed)


def work_of(table: Path, after: int = -1) -> Work:
    """The work of a table's commits after a version."""
    commits = [c for c in sorted((table / "_delta_log").glob("*.json")) if _COMMIT.match(c.name)]
    commits = [commit for commit in commits if int(commit.stem) > after]
    done = [action for commit in commits for action in actions(commit)]
    changes = [
        line["cdc"]["size"]
        for c in commits
        for line in map(json.loads, c.read_text().splitlines())
        if "cdc" in line
    ]
    added = [a.size for a in done if not a.removed and not a.marked]
    removed = [a.size for a in done if a.removed and not a.marked]
    marked = len([a for a in done if a.marked and not a.removed])
    return Work(
        len(commits), len(added), sum(added), len(removed), sum(removed), marked, len(changes), sum(changes)
    )
