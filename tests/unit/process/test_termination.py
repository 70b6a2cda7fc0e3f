"""The termination message: what it says, and that it fits whatever happens."""

import datetime as dt
import json

from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.ledger import Run
from spark_jobs.process.termination import (
    MOST_BYTES,
    fitted,
    message_of_run,
    message_of_runs,
    write_message,
)

TEXT = st.text(max_size=3000)
COUNTS = st.dictionaries(st.text(max_size=40), st.integers(), max_size=60)
MESSAGES = st.fixed_dictionaries(
    {"outcome": st.just("failed"), "exit_code": st.integers(0, 255)},
    optional={
        "error": TEXT,
        "rows": COUNTS,
        "versions_written": COUNTS,
        "notes": st.lists(TEXT, max_size=20),
        "runs": st.lists(st.dictionaries(st.sampled_from(["job", "outcome"]), TEXT), max_size=50),
    },
)


def a_run(**changes) -> Run:
    run = Run("etl", "employees", "1.0.0", dt.date(2023, 10, 1), dt.datetime.now(dt.UTC), run_id="r1")
    run.finish(0)
    return Run(**{**vars(run), **changes})


@given(MESSAGES)
def test_every_message_fits_and_is_json(message: dict) -> None:
    encoded = fitted(message)
    assert len(encoded) <= MOST_BYTES and b"\n" not in encoded
    told = json.loads(encoded)
    assert (told["outcome"], told["exit_code"]) == (message["outcome"], message["exit_code"])
    whole = len(json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")) <= MOST_BYTES
    assert whole == (told == message)


def test_a_long_message_keeps_its_error_and_says_what_it_left_out() -> None:
    notes = [f"file {n}: {'x' * 200}" for n in range(100)]
    told = json.loads(fitted({"outcome": "failed", "error": "why", "rows": {"rows_in": 1}, "notes": notes}))
    assert told["error"] == "why" and told["rows"] == {"rows_in": 1}
    assert told["notes"] == notes[-len(told["notes"]) :]
    assert told["left_out"] == {"notes": 100 - len(told["notes"])}


def test_a_run_is_told_with_its_rows_and_versions() -> None:
    run = a_run(rows={"rows_in": 3, "staged": 3}, versions_written={"staging/employees": 7})
    assert json.loads(fitted(message_of_run(run))) == {
        "job": "etl",
        "delivery_date": "2023-10-01",
        "run_id": "r1",
        "outcome": "succeeded",
        "exit_code": 0,
        "rows": {"rows_in": 3, "staged": 3},
        "versions_written": {"staging/employees": 7},
        "seconds": run.seconds,
    }


def test_several_runs_are_told_with_the_first_error() -> None:
    runs = [a_run(), a_run(job="load", outcome="failed", exit_code=1, error="No.")]
    told = message_of_runs(runs, 1)
    assert told["error"] == "load of 2023-10-01: No." and told["exit_code"] == 1
    assert [run["outcome"] for run in told["runs"]] == ["succeeded", "failed"]


def test_a_file_that_cannot_be_written_does_not_fail_the_job(tmp_path) -> None:
    write_message(tmp_path / "nowhere" / "log", {"outcome": "succeeded"})
    write_message(None, {"outcome": "succeeded"})
