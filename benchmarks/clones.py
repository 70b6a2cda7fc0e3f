"""Copies of a state that cost nothing: data files, which nobody changes, are linked; logs are copied."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.delta_log import actions


def clone(state: Path, to: Path) -> None:
    """A state once more."""

    def place(source: str, target: str) -> None:
        if source.endswith(".parquet") and "_delta_log" not in source:
            os.link(source, target)
        else:
            shutil.copy2(source, target)

    shutil.rmtree(to, ignore_errors=True)
    if state.exists():
        shutil.copytree(state, to, copy_function=place)
    else:
        to.mkdir(parents=True)


@dataclass(frozen=True)
class Written:
    """What a contender left behind: data files written and no longer used, bytes in all, and commits."""

    files_added: int
    files_removed: int
    bytes_written: int
    log_bytes: int
    commits: int = 0


def written_since(before: Path, after: Path) -> Written:
    """What the clone `after` has that the state `before` has not.

    Data files that a Delta log has removed are still there: what counts as removed is what the logs say,
    and in a folder without a log what is gone.
    """
    old, new = _files(before), _files(after)
    fresh = {
        path: size for path, size in new.items() if path not in old or (_is_log(path) and old[path] != size)
    }
    data = [path for path in fresh if not _is_log(path)]
    log_bytes = sum(size for path, size in fresh.items() if _is_log(path))
    gone = len(old.keys() - new.keys())
    commits = [after / path for path in fresh if "_delta_log" in path and path.endswith(".json")]
    return Written(
        files_added=len(data),
        files_removed=gone + _removed(commits),
        bytes_written=sum(fresh[path] for path in data) + log_bytes,
        log_bytes=log_bytes,
        commits=len(commits),
    )


def _files(folder: Path) -> dict[str, int]:
    if not folder.exists():
        return {}
    found = ((f, f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())
    return {
        str(relative): f.stat().st_size
        for f, relative in found
        if relative.name not in ("done", "spark.log")
    }


def _is_log(path: str) -> bool:
    return "_delta_log" in path or path.endswith(".crc")


def _removed(commits: list[Path]) -> int:
    return sum(action.removed and not action.marked for commit in commits for action in actions(commit))
