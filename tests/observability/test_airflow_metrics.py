"""Airflow's own metrics as Prometheus gets them: sent by Airflow's code, through the chart's exporter."""

import re
from collections.abc import Iterator

import pytest

from tests.observability.servers import read

PIPELINE = 'dag_id="mlb_employee_data_pipeline"'


@pytest.fixture(scope="module")
def series(airflow_metrics: str) -> dict[str, float]:
    """Airflow's series and their values; labels by name."""
    return dict(parsed(read(airflow_metrics)))


def parsed(text: str) -> Iterator[tuple[str, float]]:
    for line in text.splitlines():
        if line.startswith("airflow_"):
            name, value = line.rsplit(" ", 1)
            yield name, float(value)


@pytest.mark.parametrize("process", ["scheduler", "triggerer", "dag_processor"])
def test_each_heartbeat_counts_once(series: dict[str, float], process: str) -> None:
    assert series[f"airflow_{process}_heartbeat_total"] == 2


def test_tasks_are_counted_once_by_dag_task_and_state(series: dict[str, float]) -> None:
    ends = {name: value for name, value in series.items() if name.startswith("airflow_task_ends_total")}
    assert ends == {
        f'airflow_task_ends_total{{{PIPELINE},state="success",task_id="ingest_raw_data"}}': 1,
        f'airflow_task_ends_total{{{PIPELINE},state="failed",task_id="etl_process"}}': 1,
    }


def test_nothing_is_counted_under_a_second_name(series: dict[str, float]) -> None:
    """Successes and failures have one name each: what Airflow sends besides is dropped."""
    names = {re.sub(r"(_bucket|_sum|_count)?({.*)?$", "", name) for name in series}
    assert names == {
        "airflow_scheduler_heartbeat_total",
        "airflow_triggerer_heartbeat_total",
        "airflow_dag_processor_heartbeat_total",
        "airflow_dag_import_errors",
        "airflow_dag_run_seconds",
        "airflow_deadlines_missed_total",
        "airflow_task_seconds",
        "airflow_task_scheduled_seconds",
        "airflow_task_ends_total",
        *(
            f"airflow_pool_{state}_slots"
            for state in ("open", "queued", "running", "deferred", "scheduled")
        ),
    }


@pytest.mark.parametrize("name", ["seconds", "scheduled_seconds"])
def test_times_of_tasks_are_seconds(series: dict[str, float], name: str) -> None:
    labels = next(
        each for each in series if each.startswith(f"airflow_task_{name}_sum") and "etl_process" in each
    )
    count = labels.replace("_sum{", "_count{")
    assert series[count] == 1
    # A test's task takes moments; were these milliseconds, a moment would be hours.
    assert 0 < series[labels] < 600


def test_a_run_is_counted_once_by_how_it_ended(series: dict[str, float]) -> None:
    counts = {
        name: value for name, value in series.items() if name.startswith("airflow_dag_run_seconds_count")
    }
    ((name, count),) = counts.items()
    assert count == 1 and 'state="failed"' in name and PIPELINE in name


def test_no_label_makes_a_series_of_each_run(series: dict[str, float]) -> None:
    """A missed deadline comes with the run's id, which is another for each run."""
    assert series[f"airflow_deadlines_missed_total{{{PIPELINE}}}"] == 1
    labels = {label for name in series for label in re.findall(r'(\w+)="', name)}
    assert labels <= {"dag_id", "task_id", "state", "run_type", "queue", "pool_name", "le"}
