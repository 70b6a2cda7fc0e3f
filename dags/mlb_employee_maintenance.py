"""
### The weekly upkeep

`maintain` compacts small files and deletes those that no promised version needs; nobody's rows change.
`remove_ended_pods` deletes the jobs' pods that ended more than a week ago: until then kubectl shows them.

docs/runbooks/maintain.md has the details.
"""

import datetime as dt

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import CronTriggerTimetable, dag, task

from mlb_airflow import pods
from mlb_airflow.dag_parts import START, default_args, notify_failure
from mlb_airflow.operators import SparkJobOperator
from mlb_airflow.settings import Settings


@task
def remove_ended_pods() -> list[str]:
    """Delete the jobs' pods that ended long ago; their names."""
    client = KubernetesHook(conn_id=None, in_cluster=True).core_v1_client
    return pods.remove_ended_pods(
        client, Settings.from_environment().spark_namespace, dt.datetime.now(dt.UTC)
    )


def make(settings: Settings):
    """The DAG under some settings."""

    @dag(
        dag_id="mlb_employee_maintenance",
        doc_md=__doc__,
        # Sunday, well after the night's pipeline.
        schedule=CronTriggerTimetable("0 12 * * 0", timezone="UTC"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        default_args=default_args(settings),
        dagrun_timeout=settings.run_timeout,
        tags=["mlb", "employees"],
    )
    def mlb_employee_maintenance():
        maintain = SparkJobOperator(task_id="maintain", job="maintain", settings=settings)
        removed = remove_ended_pods()

        # Neither needs the other.
        [maintain, removed] >> notify_failure()
        [maintain, removed] >> EmptyOperator(task_id="end")

    return mlb_employee_maintenance()


make(Settings.from_environment())
