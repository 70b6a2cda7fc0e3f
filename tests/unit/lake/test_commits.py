"""What a commit says of itself."""

from spark_jobs.lake.commits import Files, Written, written_in

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
