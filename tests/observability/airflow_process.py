"""Run with Airflow's own Python: sends what Airflow sends, by its own code, to the server of its settings.

Signs of life are those of scheduler, triggerer and dag-processor, and a DAG of two tasks runs in Airflow's
own task runner; one of them fails.
"""

import datetime as dt
import logging
from unittest.mock import Mock

from airflow._shared.observability.metrics import stats
from airflow.configuration import conf
from airflow.dag_processing.dagbag import DagBag
from airflow.dag_processing.manager import DagFileStat, emit_metrics
from airflow.jobs.dag_processor_job_runner import DagProcessorJobRunner
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.jobs.triggerer_job_runner import TriggerRunnerSupervisor
from airflow.models.dagrun import DagRun
from airflow.observability.metrics import stats_utils
from airflow.sdk import dag, task
from airflow.sdk._shared.observability.metrics import stats as task_stats
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.observability.metrics import stats_utils as task_stats_utils
from airflow.utils.db import initdb
from airflow.utils.session import create_session

DAY = dt.datetime(2023, 10, 2, tzinfo=dt.UTC)


@dag(dag_id="mlb_employee_data_pipeline", schedule=None, start_date=DAY)
def pipeline():
    """Two tasks by names of the pipeline's; read from here as a file of DAGs, as Airflow wants it."""

    @task
    def ingest_raw_data() -> None:
        pass

    @task
    def etl_process() -> None:
        raise AirflowFailException("on purpose, and without a retry")

    ingest_raw_data() >> etl_process()


pipeline()


def start() -> None:
    """What the processes do when they start, for both halves of Airflow."""
    legacy = conf.getboolean("metrics", "legacy_names_on")
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=legacy)
    task_stats.initialize(factory=task_stats_utils.get_stats_factory(), export_legacy_names=legacy)


def signs_of_life() -> None:
    """One heartbeat of each, the state of the DAG files, and the pools."""
    with create_session() as session:
        scheduler = Mock(_multi_team=False)
        SchedulerJobRunner.heartbeat_callback(scheduler, session=session)
        SchedulerJobRunner._emit_pool_metrics(scheduler, session=session)
    TriggerRunnerSupervisor.heartbeat_callback(Mock(team_name=None))
    DagProcessorJobRunner.heartbeat_callback(Mock())
    emit_metrics(parse_time=1.0, dag_file_stats=[DagFileStat(num_dags=5, import_errors=0)])


def a_run() -> None:
    """A run that fails; the times that its tasks waited, and a deadline that it missed."""
    run = DagBag(__file__).dags["mlb_employee_data_pipeline"].test(logical_date=DAY)
    with create_session() as session:
        found = session.get(DagRun, run.id)
        for instance in found.task_instances:
            instance.end_date, instance.scheduled_dttm = None, instance.start_date
            # As the scheduler does it. Of the time from queued to running Airflow 3 tells nothing.
            instance.emit_state_change_metric("queued")
        # As models/deadline.py does it, whose row the test runner does not make.
        tags = {"dag_id": found.dag_id, "dagrun_id": found.run_id}
        stats.incr("deadline_alerts.deadline_missed", tags=tags)
        session.rollback()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    initdb()
    start()
    for _ in range(2):
        signs_of_life()
    a_run()
