"""
### A person asks to be forgotten

Whoever is to be erased must not be named in Airflow: put the employee ids, one a line, into a Secret of
the jobs' namespace, and trigger this DAG with the reason only.

    kubectl -n mlb create secret generic mlb-erasure-request --from-file=employee-ids=FILE

**Pause `mlb_employee_data_pipeline` first**, and approve when no job is running: `erase` refuses company.
Nothing brings an erased person back. Afterwards delete the Secret and the file.

    kubectl -n mlb delete secret mlb-erasure-request

docs/runbooks/erase.md has the details.
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, dag

from mlb_airflow.dag_parts import START, default_args, notify_failure, param
from mlb_airflow.operators import SparkJobOperator
from mlb_airflow.settings import Settings


def make(settings: Settings):
    """The DAG under some settings."""

    @dag(
        dag_id="mlb_employee_erasure",
        doc_md=__doc__,
        schedule=None,
        start_date=START,
        max_active_runs=1,
        default_args=default_args(settings),
        dagrun_timeout=settings.approval_timeout + settings.run_timeout,
        params={
            "reason": Param(
                type="string",
                minLength=3,
                title="Reason",
                description="Such as: letter of 3 May, case 17. Kept in the ledger: it may not tell who",
            ),
        },
        tags=["mlb", "employees", "approval"],
    )
    def mlb_employee_erasure():
        approve = ApprovalOperator(
            task_id="approve",
            subject="Erase the people of the Secret mlb-erasure-request, for good?",
            body=(
                "Reason: {{ params.reason }}\n\n"
                "Asked for by: {{ dag_run.triggering_user_name or 'unknown' }}\n\n"
                "Nothing brings them back, and older versions of the tables can no longer be read. Pause "
                "`mlb_employee_data_pipeline` before you approve."
            ),
            response_timeout=settings.approval_timeout,
            defaults=ApprovalOperator.REJECT,
            retries=0,
        )
        erase = SparkJobOperator(
            task_id="erase",
            job="erase",
            options={
                "--reason": param("reason"),
                "--by": "{{ dag_run.triggering_user_name or 'airflow' }}",
            },
            alone=True,
            settings=settings,
        )

        approve >> erase >> EmptyOperator(task_id="end")
        [approve, erase] >> notify_failure()

    return mlb_employee_erasure()


make(Settings.from_environment())
