"""
### Refused rows come back

Runs after a run of the pipeline that refused rows, and judges every open row of the quarantine again: a
rule that has been mended since lets them in. Rows whose values are wrong need a person:

1. `spark-jobs quarantine export --output refused.csv`, mend the rows, write `mend` or `reject` into the
   column `decision`;
2. put the file beside the lake, where the jobs may read it (it holds personal data: delete it afterwards);
3. trigger this DAG with its place, such as `s3a://bucket/corrections/refused.csv`.

docs/runbooks/recover.md has the details.
"""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Param, dag

from mlb_airflow.assets import REFUSED_ROWS
from mlb_airflow.dag_parts import START, default_args, notify_failure, param
from mlb_airflow.operators import SparkJobOperator
from mlb_airflow.settings import Settings


def make(settings: Settings):
    """The DAG under some settings."""

    @dag(
        dag_id="mlb_employee_recovery",
        doc_md=__doc__,
        schedule=[REFUSED_ROWS],
        start_date=START,
        catchup=False,
        max_active_runs=1,
        default_args=default_args(settings),
        dagrun_timeout=settings.run_timeout,
        params={
            "corrections": Param(
                None,
                type=["null", "string"],
                pattern="^s3a://[^/]+/.+",
                title="Corrections file",
                description="CSV of mended rows, s3a://bucket/path. Empty: judge every open row again",
            ),
        },
        tags=["mlb", "employees"],
    )
    def mlb_employee_recovery():
        recover = SparkJobOperator(
            task_id="recover",
            job="recover",
            options={
                "--corrections": param("corrections"),
                # For the record of who decided: nobody did where an asset started the run.
                "--by": "{{ dag_run.triggering_user_name or 'airflow' }}",
            },
            settings=settings,
        )

        recover >> [notify_failure(), EmptyOperator(task_id="end")]

    return mlb_employee_recovery()


make(Settings.from_environment())
