"""The DAGs as Airflow reads them: complete, with the defaults, in the order that the layers need."""

import datetime as dt
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, CronDataIntervalTimetable
from airflow.serialization.serialized_objects import DagSerialization

from mlb_airflow.operators import POOL, SparkJobOperator
from mlb_airflow.sensors import DeliverySensor

DAGS = Path(__file__).parents[2] / "dags"
PIPELINE = "mlb_employee_data_pipeline"
LAYERS = ["start", "ingest_raw_data", "etl_process", "load_processed_data", "aggregate_data"]
NAMES = [
    PIPELINE,
    "mlb_employee_erasure",
    "mlb_employee_maintenance",
    "mlb_employee_recovery",
    "mlb_employee_reprocess",
]


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(DAGS)


@pytest.fixture(params=NAMES)
def any_dag(bag: DagBag, request: pytest.FixtureRequest) -> DAG:
    return bag.dags[request.param]


@pytest.fixture(scope="module")
def pipeline(bag: DagBag) -> DAG:
    return bag.dags[PIPELINE]


def test_every_file_is_a_dag_of_its_name_and_none_has_an_error(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert sorted(file.stem for file in DAGS.rglob("*.py")) == sorted(bag.dags) == NAMES


def test_every_task_has_the_defaults(any_dag: DAG) -> None:
    for task in any_dag.tasks:
        assert task.owner == "data_engineer"
        assert task.depends_on_past is False
        if isinstance(task, ApprovalOperator):
            assert task.retries == 0, "asking twice is no retry"
            continue
        assert task.retries == 3 and task.retry_delay == timedelta(minutes=5)
        assert task.retry_exponential_backoff == 2.0 and task.max_retry_delay == timedelta(minutes=30)


def test_every_dag_can_be_stored_and_is_told_of(any_dag: DAG) -> None:
    assert DagSerialization.to_dict(any_dag)
    assert any_dag.doc_md and "docs/" in any_dag.doc_md
    assert not any_dag.catchup and any_dag.max_active_runs == 1 and any_dag.dagrun_timeout


def test_a_failure_of_any_task_is_told_and_makes_the_run_a_failure(any_dag: DAG) -> None:
    notice = any_dag.get_task("notify_failure")
    last = [task for task in any_dag.tasks if not task.downstream_task_ids and task is not notice]
    work = {task.task_id for task in any_dag.tasks} - {notice.task_id, *(task.task_id for task in last)}
    assert notice.trigger_rule == "one_failed"
    assert notice.upstream_task_ids == work
    # A run is as its last tasks are: one besides the notice comes after all of the work.
    assert all(task.trigger_rule == "all_success" for task in last)
    assert work <= {before.task_id for task in last for before in task.get_flat_relatives(upstream=True)}


def test_the_layers_are_filled_in_their_order(pipeline: DAG) -> None:
    for earlier, later in pairwise(LAYERS):
        assert pipeline.get_task(later).upstream_task_ids == {earlier}


def test_the_pipeline_runs_at_midnight_for_the_day_before(pipeline: DAG) -> None:
    assert pipeline.timetable == CronDataIntervalTimetable("0 0 * * *", timezone="UTC")
    assert pipeline.start_date == dt.datetime(2023, 10, 1, tzinfo=dt.UTC)
    for task_id in LAYERS:
        task = pipeline.get_task(task_id)
        assert isinstance(task, SparkJobOperator | DeliverySensor)
        assert task.delivery_date == "{{ data_interval_start | ds }}"


def test_the_layers_are_the_jobs_of_these_names(pipeline: DAG) -> None:
    tasks = [pipeline.get_task(task_id) for task_id in LAYERS[1:]]
    assert [getattr(task, "job", None) for task in tasks] == ["ingest", "etl", "load", "aggregate"]


def test_the_pipeline_waits_deferred_for_the_delivery(pipeline: DAG) -> None:
    start = pipeline.get_task("start")
    assert isinstance(start, DeliverySensor)
    assert start.deferrable and start.timeout == timedelta(hours=6).total_seconds()


def test_the_run_has_a_deadline_and_the_hard_timeouts_are_above_both(pipeline: DAG) -> None:
    deadlines: Any = pipeline.deadline
    (deadline,) = deadlines
    assert deadline.interval == timedelta(hours=8)
    assert deadline.callback.path == "mlb_airflow.alerts.deadline_missed"
    assert pipeline.dagrun_timeout == timedelta(hours=24)
    for task in pipeline.tasks:
        if isinstance(task, SparkJobOperator):
            assert task.settings.sla == timedelta(hours=2)
            assert task.execution_timeout == timedelta(hours=3)


def test_every_job_waits_deferred_in_the_pool(any_dag: DAG) -> None:
    for task in any_dag.tasks:
        if isinstance(task, SparkJobOperator):
            assert task.deferrable and task.durable and task.pool == POOL
            assert not task.log_pod_spec_on_failure, "the pod's environment would be in logs and alerts"


def test_refused_rows_start_the_recovery(bag: DagBag, pipeline: DAG) -> None:
    (asset,) = pipeline.get_task("hand_over_refused_rows").outlets
    timetable: Any = bag.dags["mlb_employee_recovery"].timetable
    assert [each.name for each in timetable.asset_condition.objects] == [asset.name] == ["mlb_refused_rows"]


@pytest.mark.parametrize(
    ("dag_id", "destructive"), [("mlb_employee_reprocess", "go_live"), ("mlb_employee_erasure", "erase")]
)
def test_nothing_is_destroyed_without_an_approval(bag: DagBag, dag_id: str, destructive: str) -> None:
    dag = bag.dags[dag_id]
    assert "approve" in dag.get_task(destructive).upstream_task_ids
    approve = dag.get_task("approve")
    assert isinstance(approve, ApprovalOperator)
    assert approve.defaults == ["Reject"], "who does not answer has not approved"


@pytest.mark.parametrize(
    ("dag_id", "task_id", "params", "options"),
    [
        ("mlb_employee_recovery", "recover", {"corrections": None}, {"--by": "ann"}),
        (
            "mlb_employee_recovery",
            "recover",
            {"corrections": "s3a://bucket/c.csv"},
            {"--corrections": "s3a://bucket/c.csv", "--by": "ann"},
        ),
        (
            "mlb_employee_reprocess",
            "compare",
            {"action": "reprocess", "bronze_version": 0, "to_version": 7},
            {"--bronze-version": "0", "--dry-run": True},
        ),
        (
            "mlb_employee_reprocess",
            "go_live",
            {"action": "reprocess", "seasons": "2014", "bronze_as_of": "2023-10-02T06:00:00Z"},
            {"--bronze-as-of": "2023-10-02T06:00:00Z", "--seasons": "2014"},
        ),
        (
            "mlb_employee_reprocess",
            "go_live",
            {"action": "restore", "to_version": 7},
            {"--to-version": "7"},
        ),
        (
            "mlb_employee_reprocess",
            "compare",
            {"action": "restore", "as_of": "T"},
            {"--as-of": "T", "--dry-run": True},
        ),
        ("mlb_employee_erasure", "erase", {"reason": "case 17"}, {"--reason": "case 17", "--by": "ann"}),
        (PIPELINE, "load_processed_data", {}, {}),
        (
            PIPELINE,
            "load_processed_data",
            {"accept_unusual": "2023-10-04", "reason": "off-season"},
            {"--accept-unusual": "2023-10-04", "--reason": "off-season", "--by": "ann"},
        ),
        (PIPELINE, "etl_process", {"accept_unusual": "2023-10-04", "reason": "off-season"}, {}),
    ],
)
def test_a_form_becomes_the_jobs_options(
    bag: DagBag, dag_id: str, task_id: str, params: dict, options: dict
) -> None:
    task = bag.dags[dag_id].get_task(task_id)
    assert isinstance(task, SparkJobOperator)
    filled = {**{name: None for name in bag.dags[dag_id].params}, **params}
    context: Any = {"params": filled, "dag_run": SimpleNamespace(triggering_user_name="ann")}
    rendered = task.render_template(task.options, context)
    assert {name: value for name, value in rendered.items() if value} == options
    assert task.render_template(task.job, context) == params.get("action", task.job)


def test_nobody_who_is_erased_is_named_in_airflow(bag: DagBag) -> None:
    assert set(bag.dags["mlb_employee_erasure"].params) == {"reason"}


@pytest.mark.parametrize(
    ("dag_id", "given", "is_taken"),
    [
        ("mlb_employee_reprocess", {"seasons": "2014,2015"}, True),
        ("mlb_employee_reprocess", {"seasons": "2014;2015"}, False),
        ("mlb_employee_reprocess", {"bronze_version": -1}, False),
        ("mlb_employee_reprocess", {"action": "drop"}, False),
        ("mlb_employee_recovery", {"corrections": "s3a://bucket/refused.csv"}, True),
        ("mlb_employee_recovery", {"corrections": "/etc/passwd"}, False),
        (PIPELINE, {}, True),
        (PIPELINE, {"accept_unusual": "2023-10-04", "reason": "off-season"}, True),
        (PIPELINE, {"accept_unusual": "yesterday"}, False),
        ("mlb_employee_erasure", {}, False),
        ("mlb_employee_erasure", {"reason": "letter of 3 May, case 17"}, True),
    ],
)
def test_the_form_refuses_nonsense(bag: DagBag, dag_id: str, given: dict, is_taken: bool) -> None:
    params = bag.dags[dag_id].params
    filled = type(params)({name: params.get_param(name) for name in params})
    try:
        filled.update(given)
        filled.validate()
    except Exception as error:
        assert not is_taken, error
    else:
        assert is_taken
