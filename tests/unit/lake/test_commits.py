"""What a commit says of itself."""

from types import SimpleNamespace
from typing import Any

import pytest

from spark_jobs.lake import commits
from spark_jobs.lake.commits import Files, Written, written_by, written_in

SIGNATURE = '{"run_id": "1"}'
#: A MERGE that copies the rows that it does not change.
METRICS = {"numOutputRows": "9", "numTargetRowsInserted": "2", "numTargetRowsUpdated": "1"}


def test_a_file_that_is_only_marked_is_neither_written_nor_rewritten() -> None:
    commit = [
        {"commitInfo": {"operation": "MERGE", "userMetadata": SIGNATURE, "operationMetrics": METRICS}},
        {"add": {"path": "new", "size": 10}},
        {"cdc": {"path": "_change_data/c", "size": 3}},
        {"remove": {"path": "old", "size": 7}},
        {"remove": {"path": "marked", "size": 100}},
        {"add": {"path": "marked", "size": 100, "deletionVector": {}}},
    ]
    written = written_in(commit, SIGNATURE)
    assert written.rows == 3
    assert written.added == Files(2, 13)
    assert written.removed == Files(1, 7)


def test_another_runs_commit_is_not_counted() -> None:
    commit = [{"commitInfo": {"userMetadata": "{}"}}, {"add": {"path": "new", "size": 10}}]
    assert written_in(commit, SIGNATURE) == Written()


def test_a_table_that_is_gone_again_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a reprocess, whose tables beside the live ones are removed in the end."""
    live, beside = SimpleNamespace(name="silver/employees"), SimpleNamespace(name="beside/employees")
    lake: Any = SimpleNamespace(commits=[(beside, 0), (live, 7)])

    def read(lake: Any, table: Any, version: int) -> list[dict[str, Any]]:
        assert table is live, "its folder has been removed"
        return [{"commitInfo": {"userMetadata": SIGNATURE}}, {"add": {"path": "new", "size": 10}}]

    monkeypatch.setattr(commits, "actions_of", read)
    written = written_by(lake, SIGNATURE, [live.name])
    assert written == {live.name: Written(0, Files(1, 10))}
