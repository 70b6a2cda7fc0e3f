"""
### The nightly pipeline: one day's delivery through Bronze and Silver to Gold

The run at midnight (UTC) after day D takes the delivery of D, and waits for it first. Each of the four
tasks is one pod in the jobs' namespace; its result (rows, tables, versions) is the task's XCom
`return_value`. Any day may be run again, in any order of days: the tables are the same afterwards.

- **A task failed.** It is tried three more times, bad data (exit code 3) not at all. Then one alert tells
  why. Mend the cause, clear the task, and the run goes on.
- **The delivery is very unusual** (`load_processed_data`, exit code 3): it waits for a person
  (docs/runbooks/unusual-delivery.md), and no other night waits for it. Is it right, trigger this DAG by the
  form for the same delivery, with its day as `accept_unusual`, and why.
- **Rows were refused.** `hand_over_refused_rows` starts `mlb_employee_recovery`, and is skipped where there
  were none.
- **Past days.** `airflow backfill create --dag-id mlb_employee_data_pipeline --from-date A --to-date B`,
  or the form in the UI.

Runbooks: docs/airflow.md, docs/kubectl.md, docs/runbooks.
"""

from typing import Any

from airflow.sdk import (
    CronDataIntervalTimetable,
    Param,
    dag,
    get_current_context,
    task,
)
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert
from airflow.sdk.exceptions import AirflowSkipException

from mlb_airflow.alerts import deadline_missed
from mlb_airflow.assets import REFUSED_ROWS
from mlb_airflow.dag_parts import DELIVERY_DATE, START, default_args, notify_failure, param
from mlb_airflow.deadlines import RunQueuedAt
from mlb_airflow.failures import may_have_refused, rows_refused, tell_own_failure
from mlb_airflow.operators import SparkJobOperator
from mlb_airflow.sensors import DeliverySensor
from mlb_airflow.settings import Settings

PASSES = "params.accept_unusual"
PARAMS = {
    "accept_unusual": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Let an unusual delivery pass",
        description="The day of this run's delivery, where it stopped before load and is right",
    ),
    "reason": Param(
        None,
        type=["null", "string"],
        minLength=3,
        title="Why it is as it should be",
        description="Kept in the ledger, with who triggers the run: name no employee",
    ),
}


@task(outlets=[REFUSED_ROWS], on_failure_callback=tell_own_failure)
def hand_over_refused_rows() -> int:
    """Start the recovery where the delivery had rows that were refused; how many."""
    context: Any = get_current_context()
    results = context["ti"].xcom_pull(task_ids=["etl_process", "load_processed_data"])
    if not may_have_refused(results):
        raise AirflowSkipException("No row was refused.")
    return sum(rows_refused(result or {}) or 0 for result in results)


def make(settings: Settings):
    """The DAG under some settings."""

    @dag(
        dag_id="mlb_employee_data_pipeline",
        doc_md=__doc__,
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        default_args=default_args(settings),
        dagrun_timeout=settings.run_timeout,
        deadline=DeadlineAlert(
            reference=RunQueuedAt(),
            interval=settings.run_deadline,
            callback=AsyncCallback(deadline_missed),
        ),
        params=PARAMS,
        tags=["mlb", "employees"],
    )
    def mlb_employee_data_pipeline():
        def job(task_id: str, name: str, **options: str) -> SparkJobOperator:
            return SparkJobOperator(
                task_id=task_id,
                job=name,
                delivery_date=DELIVERY_DATE,
                options={f"--{option.replace('_', '-')}": value for option, value in options.items()},
                settings=settings,
            )

        start = DeliverySensor(task_id="start", delivery_date=DELIVERY_DATE, settings=settings)
        ingest_raw_data = job("ingest_raw_data", "ingest")
        etl_process = job("etl_process", "etl")
        load_processed_data = job(
            "load_processed_data",
            "load",
            accept_unusual=param("accept_unusual"),
            reason=param("reason", PASSES),
            # For the record of who let it pass.
            by=f"{{{{ dag_run.triggering_user_name or 'airflow' if {PASSES} else '' }}}}",
        )
        aggregate_data = job("aggregate_data", "aggregate")
        layers = [start, ingest_raw_data, etl_process, load_processed_data, aggregate_data]

        start >> ingest_raw_data >> etl_process >> load_processed_data >> aggregate_data
        layers >> notify_failure()
        # A run is as its last tasks are: without this one, a notice that went out would make it a success.
        aggregate_data >> hand_over_refused_rows()

    return mlb_employee_data_pipeline()


make(Settings.from_environment())
