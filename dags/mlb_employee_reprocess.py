"""
### Silver and Gold anew, or back: shown first, live after a person's approval

Trigger it with the form. `reprocess` rebuilds Silver, history and Gold from Bronze under today's contract
(as Bronze is, at a version, or as of a time; all seasons or some). `restore` brings Silver and Gold back
to a consistent point. `compare` counts what would change and changes nothing; `approve` shows it and
waits for a person; only then `go_live` does it. A dry run ends after `differences`, and so does one that
would change nothing.

docs/runbooks/reprocess.md and docs/runbooks/restore.md have the details.
"""

from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, dag, get_current_context, task

from mlb_airflow.dag_parts import START, default_args, notify_failure, param
from mlb_airflow.differences import as_markdown
from mlb_airflow.operators import SparkJobOperator
from mlb_airflow.settings import Settings

REPROCESS = "params.action == 'reprocess'"
RESTORE = "params.action == 'restore'"
PARAMS = {
    "action": Param(
        "reprocess",
        enum=["reprocess", "restore"],
        title="What to do",
        description="Rebuild from Bronze, or go back to a consistent point",
    ),
    "bronze_version": Param(
        None,
        type=["null", "integer"],
        minimum=0,
        title="reprocess: version of Bronze",
        description="From `spark-jobs history bronze/employees`. Empty: as it is",
    ),
    "bronze_as_of": Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="reprocess: Bronze as of a time",
        description="In place of a version",
    ),
    "seasons": Param(
        None,
        type=["null", "string"],
        pattern=r"^\d{4}(,\d{4})*$",
        title="reprocess: only these seasons",
        description="Years with commas between them, such as 2014,2015. Empty: all",
    ),
    "to_version": Param(
        None,
        type=["null", "integer"],
        minimum=0,
        title="restore: to version",
        description="The point at which silver/employees had this version (`spark-jobs history`)",
    ),
    "as_of": Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="restore: as of a time",
        description="The newest point at or before it, in place of a version",
    ),
    "dry_run": Param(False, type="boolean", title="Dry run", description="Show the differences, and end"),
}


@task.short_circuit
def differences() -> str:
    """What would change, for the approval; empty, and the run ends, where there is nothing to approve."""
    context: Any = get_current_context()
    told = as_markdown(context["ti"].xcom_pull(task_ids="compare"))
    return "" if context["params"]["dry_run"] else told


def make(settings: Settings):
    """The DAG under some settings."""

    @dag(
        dag_id="mlb_employee_reprocess",
        doc_md=__doc__,
        schedule=None,
        start_date=START,
        max_active_runs=1,
        default_args=default_args(settings),
        dagrun_timeout=settings.approval_timeout + settings.run_timeout,
        params=PARAMS,
        tags=["mlb", "employees", "approval"],
    )
    def mlb_employee_reprocess():
        asked = {
            "--bronze-version": param("bronze_version", REPROCESS),
            "--bronze-as-of": param("bronze_as_of", REPROCESS),
            "--seasons": param("seasons", REPROCESS),
            "--to-version": param("to_version", RESTORE),
            "--as-of": param("as_of", RESTORE),
        }
        compare = SparkJobOperator(
            task_id="compare",
            job="{{ params.action }}",
            options={**asked, "--dry-run": True},
            settings=settings,
        )
        shown = differences()
        approve = ApprovalOperator(
            task_id="approve",
            subject="{{ params.action }}: make these changes live?",
            body="{{ ti.xcom_pull(task_ids='differences') }}",
            response_timeout=settings.approval_timeout,
            # A person who did not answer has not approved.
            defaults=ApprovalOperator.REJECT,
            retries=0,
        )
        go_live = SparkJobOperator(
            task_id="go_live", job="{{ params.action }}", options=asked, settings=settings
        )

        compare >> shown >> approve >> go_live >> EmptyOperator(task_id="end")
        [compare, shown, approve, go_live] >> notify_failure()

    return mlb_employee_reprocess()


make(Settings.from_environment())
