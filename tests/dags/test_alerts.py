"""Alerts: what they say, that each arrives once, and what starts them."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from mlb_airflow.alerts import Alert, deadline_missed, notifiers, send
from mlb_airflow.failures import Failure, alert_of, may_have_refused, notify_failure, tell_own_failure
from mlb_airflow.settings import Settings
from tests.dags.inbox import Inbox

RUN_ID = "scheduled__2023-10-02T00:00:00+00:00"
DAG_ID = "mlb_employee_data_pipeline"
LAYERS = ["start", "ingest_raw_data", "etl_process", "load_processed_data", "aggregate_data"]
BAD_DATA = Failure(
    sentence="412 of 900 rows of the delivery are refused, more than 20 %.",
    attempt=1,
    is_final=True,
    delivery_date="2023-10-01",
    pod="spark-jobs-etl-2023-10-01-abc",
    exit_code=3,
    rows_refused=412,
    link="https://airflow.example.org/log",
)


class Notice:
    """notify_failure's own try, which sees what the tasks before it left."""

    dag_id, run_id = DAG_ID, RUN_ID

    def __init__(self, states: dict[str, str], left: dict[tuple[str, str], Any]) -> None:
        self.states, self.left = states, left

    def get_task_states(self, dag_id: str, task_ids: list[str], run_ids: list[str]) -> dict[str, Any]:
        return {run_id: {name: self.states[name] for name in task_ids} for run_id in run_ids}

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return self.left.get((task_ids, key))


def context_of(states: dict[str, str], left: dict[tuple[str, str], Any]) -> Any:
    run = SimpleNamespace(dag_id=DAG_ID, run_id=RUN_ID, data_interval_start=None)
    task = SimpleNamespace(upstream_task_ids=set(states))
    return {"ti": Notice(states, left), "dag_run": run, "task": task}


def test_an_alert_says_what_a_person_needs() -> None:
    run = SimpleNamespace(dag_id=DAG_ID, run_id=RUN_ID, data_interval_start=None)
    alert = alert_of("etl_process", BAD_DATA, run, None, Settings())
    assert alert.subject == "FAILED: mlb_employee_data_pipeline.etl_process delivery 2023-10-01"
    assert alert.body.splitlines() == [
        "What happened: 412 of 900 rows of the delivery are refused, more than 20 %.",
        "DAG:           mlb_employee_data_pipeline",
        "Task:          etl_process",
        "Delivery:      2023-10-01",
        "Try:           1 (no retry would help)",
        "Rows refused:  412",
        "Run:           scheduled__2023-10-02T00:00:00+00:00",
        "Look:          kubectl -n mlb logs spark-jobs-etl-2023-10-01-abc --tail=100",
        "Log:           https://airflow.example.org/log",
    ]


def test_a_subject_is_what_sns_takes() -> None:
    subject = Alert(kind="failure", dag_id="é" * 200, what="x").subject
    assert len(subject) < 100 and subject.isascii() and "\n" not in subject


def test_a_failure_after_all_retries_is_one_message(inbox: Inbox) -> None:
    states = dict(
        zip(LAYERS, ["success", "success", "failed", "upstream_failed", "upstream_failed"], strict=True)
    )
    left = {("etl_process", "failure"): vars(BAD_DATA)}
    notify_failure(context_of(states, left))
    (arrived,) = [json.loads(message) for message in inbox.read()]
    assert arrived["Subject"] == "FAILED: mlb_employee_data_pipeline.etl_process delivery 2023-10-01"
    assert "412 of 900 rows" in arrived["Message"]
    attributes = {name: value["Value"] for name, value in arrived["MessageAttributes"].items()}
    assert attributes == {"kind": "failure", "dag_id": DAG_ID, "task_id": "etl_process"}


def test_a_task_that_was_ended_from_outside_is_told_too(inbox: Inbox) -> None:
    states = {"etl_process": "success", "load_processed_data": "failed"}
    left = {("etl_process", "return_value"): {"rows": {"quarantined": 3}}}
    notify_failure(context_of(states, left))
    (message,) = [json.loads(each)["Message"] for each in inbox.read()]
    assert "ended from outside" in message and "Rows refused:  3" in message
    assert (
        f"dags/{DAG_ID}/runs/scheduled__2023-10-02T00%3A00%3A00%2B00%3A00/tasks/load_processed_data"
        in message
    )
    assert "kubectl -n mlb get pods -L mlb/job,mlb/delivery-date" in message


def test_a_task_after_the_notice_tells_of_itself(inbox: Inbox) -> None:
    run = SimpleNamespace(dag_id=DAG_ID, run_id=RUN_ID, data_interval_start=None)
    ti = SimpleNamespace(task_id="hand_over_refused_rows", try_number=4, log_url="https://log")
    tell_own_failure({"ti": ti, "dag_run": run, "exception": ValueError("no such asset")})
    (message,) = [json.loads(each)["Message"] for each in inbox.read()]
    assert "ValueError: no such asset" in message and "4 (the last one)" in message


def test_refused_rows_are_handed_over_also_where_a_result_does_not_say() -> None:
    none, some = {"rows": {"quarantined": 0}}, {"rows": {"quarantined": 2}}
    assert not may_have_refused([none, none])
    assert may_have_refused([none, some])
    assert may_have_refused([{"left_out": {"rows": 9}}, none])


def test_a_missed_deadline_is_told(inbox: Inbox) -> None:
    run = {
        "dag_id": DAG_ID,
        "dag_run_id": RUN_ID,
        "run_type": "scheduled",
        "start_date": None,
        "data_interval_start": "2023-10-01T00:00:00Z",
    }
    asyncio.run(deadline_missed({"dag_run": run}))
    (arrived,) = [json.loads(message) for message in inbox.read()]
    assert arrived["Subject"] == "DEADLINE MISSED: mlb_employee_data_pipeline delivery 2023-10-01"
    assert "has not ended 8:00:00 after it was queued" in arrived["Message"]


def test_a_backfills_run_that_waits_for_its_turn_misses_nothing(inbox: Inbox) -> None:
    run = {"dag_id": DAG_ID, "dag_run_id": "backfill__1", "run_type": "backfill", "start_date": None}
    asyncio.run(deadline_missed({"dag_run": run}))
    assert inbox.read() == []
    asyncio.run(deadline_missed({"dag_run": {**run, "start_date": "2023-10-05T00:00:00Z"}}))
    assert len(inbox.read()) == 1


def test_without_a_topic_alerts_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    alert = Alert(kind="sla", dag_id="d", task_id="t", what="Late.")
    assert notifiers(alert, Settings()) == []
    send(alert, Settings())
    assert "SLA BREACHED: d.t" in caplog.text and "Late." in caplog.text


def test_a_notice_that_does_not_go_out_fails_so_that_it_is_tried_again(inbox: Inbox) -> None:
    settings = Settings(alerts_topic_arn="arn:aws:sns:us-east-1:123456789012:no-such-topic")
    with pytest.raises(Exception, match="does not exist"):
        send(Alert(kind="failure", dag_id="d", what="x"), settings)
