"""Pipeline health: is last night's data there, in time, and if not, where did it stop?"""

from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard

from observability.dashboards.panels import NONE_IS_GOOD, board, figure, listing, over_time, state
from observability.rules import HOUR, SLA_SECONDS, STALE_AFTER, WITHOUT_SUCCESS

_UP = {0: ("down", "red"), 1: ("up", "green")}
#: 1 for each pod of a job that has failed, 0 for the others, which are kept for a week, too.
_FAILED_PODS = """
label_replace(
  kube_pod_status_phase{namespace="$namespace", phase="Failed"}
    * on (namespace, pod) group_left (label_mlb_job, label_mlb_delivery_date)
      max by (namespace, pod, label_mlb_job, label_mlb_delivery_date)
        (kube_pod_labels{label_app_kubernetes_io_component="driver"})
    * on (namespace, pod) group_left (annotation_mlb_airflow_log)
      max by (namespace, pod, annotation_mlb_airflow_log) (kube_pod_annotations),
  "look", "kubectl -n $namespace logs $1 --tail=100", "pod", "(.*)"
)
"""


def dashboard() -> Dashboard:
    """The dashboard."""
    return board(
        "mlb-pipeline-health",
        "MLB · Pipeline health",
        "Is last night's data there, right and in time, and if not, why? Airflow's figures come by StatsD, "
        "those of the data from the ledger (docs/observability.md).",
        [
            ("Now", [_last_success(), _freshness(), _waiting_rows(), _import_errors(), *_heartbeats()]),
            ("When something failed", [_failed_pods(), _last_runs()]),
            ("Runs and tasks", [*_runs(), *_tasks()]),
            ("What the jobs did", [_rows(), _stages(), _seconds(), _bytes(), _tables()]),
        ],
    )


def _last_success() -> Any:
    return figure(
        "Since the last success",
        "Time since aggregate last succeeded. More than 26 hours raise an alert: a night was missed.",
        'time() - max(mlb_last_success_timestamp_seconds{mlb_job="aggregate"})',
        "s",
        ((None, "green"), (WITHOUT_SUCCESS - 1.5 * HOUR, "orange"), (WITHOUT_SUCCESS, "red")),
    )


def _freshness() -> Any:
    return figure(
        "Age of Gold",
        "Time since the day of the newest delivery in Gold. The delivery of a day comes after its end, so "
        "anything from one to two days is as it should be.",
        "time() - max(mlb_gold_newest_delivery_timestamp_seconds)",
        "s",
        ((None, "green"), (STALE_AFTER - 4 * HOUR, "orange"), (STALE_AFTER, "red")),
    )


def _waiting_rows() -> Any:
    return figure(
        "Refused rows that wait",
        "Open entries of the quarantine: rows, and files that could not be read.",
        'sum(mlb_quarantine_rows{state="open"})',
        steps=((None, "green"), (1, "orange")),
    )


def _import_errors() -> Any:
    return figure(
        "DAG files with errors",
        "Files that the dag-processor cannot read: their DAGs do not run.",
        "max(airflow_dag_import_errors)",
        steps=NONE_IS_GOOD,
        span=3,
    )


def _heartbeats() -> Iterator[Any]:
    parts = {"scheduler": "Scheduler", "triggerer": "Triggerer", "dag_processor": "Dag-processor"}
    for name, title in parts.items():
        yield state(
            title,
            "Whether it has given a sign of life within five minutes.",
            f"sum(increase(airflow_{name}_heartbeat_total[5m])) > bool 0",
            _UP,
            span=3,
        )


def _failed_pods() -> Any:
    return listing(
        "Failed pods, their log and command",
        "The jobs' pods of the last week, failed ones first. The log leads to the task's own try in "
        "Airflow; "
        "the command shows the end of the pod's log.",
        [("Failed", _FAILED_PODS, "bool_yes_no")],
        "pod",
        {
            "label_mlb_job": "Job",
            "label_mlb_delivery_date": "Delivery",
            "pod": "Pod",
            "look": "Command",
            "annotation_mlb_airflow_log": "Airflow log",
        },
        links={"Airflow log": "${__value.raw}"},
        first="Failed",
    )


def _last_runs() -> Any:
    return listing(
        "Last run of each job",
        "By the ledger. Exit codes: 0 done, 1 worth a retry, 2 wrong usage, 3 bad data, 143 stopped.",
        [
            ("Outcome", "max by (mlb_job, outcome) (mlb_last_run_outcome == 1)", "none"),
            ("Exit code", "max by (mlb_job) (mlb_last_run_exit_code)", "none"),
            ("Ended", "max by (mlb_job) (mlb_last_run_end_timestamp_seconds) * 1000", "dateTimeAsIso"),
            ("Took", "max by (mlb_job) (mlb_last_run_seconds)", "s"),
            (
                "Delivery of",
                "max by (mlb_job) (mlb_last_run_delivery_timestamp_seconds) * 1000",
                "dateTimeAsIso",
            ),
        ],
        "mlb_job",
        {"mlb_job": "Job", "outcome": "How it ended"},
        links={"Job": "${airflow_url}/dag_runs"},
    )


def _runs() -> Iterator[Any]:
    yield over_time(
        "Runs of DAGs that ended",
        "Since the exporter started, by how they ended.",
        [("sum by (dag_id, state) (airflow_dag_run_seconds_count)", "{{dag_id}} {{state}}")],
    )
    yield over_time(
        "How long a run takes",
        "Mean of the runs that ended within the last day.",
        [
            (
                "sum by (dag_id, state) (rate(airflow_dag_run_seconds_sum[1d])) "
                "/ (sum by (dag_id, state) (rate(airflow_dag_run_seconds_count[1d])) > 0) "
                "or sum by (dag_id, state) (airflow_dag_run_seconds_sum) "
                "/ sum by (dag_id, state) (airflow_dag_run_seconds_count)",
                "{{dag_id}} {{state}}",
            )
        ],
        "s",
    )

    yield over_time(
        "Missed deadlines",
        "Runs that had not ended at their deadline, since the exporter started; each was mailed.",
        [("sum by (dag_id) (airflow_deadlines_missed_total) or vector(0)", "{{dag_id}}")],
        steps=((None, "green"), (1, "red")),
    )


def _tasks() -> Iterator[Any]:
    yield over_time(
        "How long a task takes",
        "Mean since the exporter started, from the task's first start to its end, with the SLA as a line. "
        "While a job's pod runs its task is deferred; the job's own seconds are below.",
        [
            (
                "sum by (dag_id, task_id) (airflow_task_seconds_sum) "
                "/ sum by (dag_id, task_id) (airflow_task_seconds_count)",
                "{{dag_id}} {{task_id}}",
            )
        ],
        "s",
        ((None, "green"), (SLA_SECONDS, "red")),
    )
    yield over_time(
        "Tasks that ended",
        "By how they ended, since the exporter started; a task that is deferred has not ended.",
        [
            (
                'sum by (dag_id, task_id, state) (airflow_task_ends_total{state!="deferred"})',
                "{{dag_id}} {{task_id}} {{state}}",
            )
        ],
    )
    yield over_time(
        "How long tasks wait for Airflow",
        "Mean time from when a task could go until it is queued. Minutes: a pool has no free slot, or the "
        "scheduler does not get to it.",
        [
            (
                "sum by (dag_id) (airflow_task_scheduled_seconds_sum) "
                "/ sum by (dag_id) (airflow_task_scheduled_seconds_count)",
                "{{dag_id}}",
            )
        ],
        "s",
    )
    yield over_time(
        "Slots of the pools",
        "Tasks of a pool: those that run or wait deferred take a slot; with none free others are queued.",
        [
            ("max by (pool_name) (airflow_pool_open_slots)", "{{pool_name}} free"),
            ("max by (pool_name) (airflow_pool_deferred_slots)", "{{pool_name}} deferred"),
            ("max by (pool_name) (airflow_pool_queued_slots)", "{{pool_name}} queued"),
        ],
    )


def _rows() -> Any:
    return over_time(
        "Rows of each delivery by outcome",
        "What became of a delivery's rows in the newest etl for it (docs/semantics.md).",
        [
            (
                'max by (delivery, outcome) (mlb_delivery_rows{mlb_job="etl", outcome!="rows_in"})',
                "{{delivery}} {{outcome}}",
            )
        ],
        stacked=True,
    )


def _stages() -> Any:
    return over_time(
        "Seconds of each stage of the last run",
        "Where the time of a job goes.",
        [("max by (mlb_job, stage) (mlb_last_run_stage_seconds)", "{{mlb_job}} {{stage}}")],
        "s",
        stacked=True,
    )


def _seconds() -> Any:
    return over_time(
        "Seconds of each job's run",
        "The newest run of each job, with the SLA of a task as a line.",
        [("max by (mlb_job) (mlb_last_run_seconds)", "{{mlb_job}}")],
        "s",
        ((None, "green"), (SLA_SECONDS, "red")),
    )


def _bytes() -> Any:
    return over_time(
        "Bytes of the last run",
        "Read after pruning, added, and replaced: what a run costs. Rewritten far above written means "
        "that a MERGE "
        "touches files that it need not.",
        [
            ("max by (mlb_job) (mlb_last_run_read_bytes)", "{{mlb_job}} read"),
            ("max by (mlb_job) (mlb_last_run_written_bytes)", "{{mlb_job}} written"),
            ("max by (mlb_job) (mlb_last_run_rewritten_bytes)", "{{mlb_job}} rewritten"),
        ],
        "bytes",
    )


def _tables() -> Any:
    return listing(
        "Tables",
        "The newest version of each. Many small files: spark-jobs maintain puts them together.",
        [
            ("Version", "max by (table) (mlb_table_version)", "none"),
            ("Rows", "max by (table) (mlb_table_rows)", "short"),
            ("Size", "max by (table) (mlb_table_size_bytes)", "bytes"),
            ("Files", "max by (table) (mlb_table_files)", "short"),
            ("Small files", "max by (table) (mlb_table_small_files)", "short"),
            (
                "Committed",
                "max by (table) (mlb_table_last_commit_timestamp_seconds) * 1000",
                "dateTimeAsIso",
            ),
        ],
        "table",
        {"table": "Table"},
    )
