"""Spark on Kubernetes: the jobs' pods, what they take, and what keeps them from starting."""

from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard

from observability.dashboards.panels import NONE_IS_GOOD, board, figure, listing, over_time
from observability.rules import QUOTA_RATIO

_OURS = 'namespace="$namespace"'
_LABELS = (
    "max by (namespace, pod, label_mlb_job, label_app_kubernetes_io_component) "
    '(kube_pod_labels{namespace="$namespace", label_app_kubernetes_io_component=~"driver|executor"})'
)
_BY_JOB = f"* on (namespace, pod) group_left (label_mlb_job, label_app_kubernetes_io_component) {_LABELS}"


def dashboard() -> Dashboard:
    """The dashboard."""
    return board(
        "mlb-spark-on-kubernetes",
        "MLB · Spark on Kubernetes",
        "The pods of the jobs, by kube-state-metrics, and what their processes took, by the ledger: a pod "
        "that lived "
        "for 20 seconds between two scrapes is in it all the same (docs/observability.md).",
        [
            ("Now", [*_now()]),
            ("Pods", [*_pods()]),
            ("What the jobs took", [*_resources()]),
            ("Limits", [*_limits()]),
        ],
    )


def _now() -> Iterator[Any]:
    yield figure(
        "Pods that run",
        "Drivers and executors.",
        f'sum(kube_pod_status_phase{{{_OURS}, phase="Running"}})',
    )
    yield figure(
        "Pods that wait",
        "Pending: no node, no volume or no image yet. More than a quarter of an hour raises an alert.",
        f'sum(kube_pod_status_phase{{{_OURS}, phase="Pending"}})',
        steps=((None, "green"), (1, "orange")),
    )
    yield figure(
        "Pods that failed",
        "For as long as they are kept: a week.",
        f'sum(kube_pod_status_phase{{{_OURS}, phase="Failed"}})',
        steps=((None, "green"), (1, "orange")),
    )
    yield figure(
        "Killed for memory",
        "Containers that ended by OOMKilled, and are still there or started again.",
        f'sum(kube_pod_container_status_terminated_reason{{{_OURS}, reason="OOMKilled"}} == 1 or '
        f'kube_pod_container_status_last_terminated_reason{{{_OURS}, reason="OOMKilled"}} == 1) '
        "or vector(0)",
        steps=NONE_IS_GOOD,
    )
    yield figure(
        "Restarts",
        "Of all containers; a job's own never starts again, Airflow makes a new pod.",
        f"sum(kube_pod_container_status_restarts_total{{{_OURS}}})",
        steps=((None, "green"), (1, "orange")),
    )
    yield figure(
        "Quota used at most",
        "Of CPU, memory or pods, whichever is nearest to its end.",
        "max(" + _quota() + ")",
        "percentunit",
        ((None, "green"), (0.75, "orange"), (QUOTA_RATIO, "red")),
    )


def _pods() -> Iterator[Any]:
    yield over_time(
        "Pods by phase",
        "Ended pods are kept for a week, so that kubectl shows how they ended.",
        [(f"sum by (phase) (kube_pod_status_phase{{{_OURS}}})", "{{phase}}")],
    )
    yield over_time(
        "Pods by job",
        "Drivers and executors that are there, ended ones among them.",
        [
            (
                f"count by (label_mlb_job, label_app_kubernetes_io_component) ({_LABELS})",
                "{{label_mlb_job}} {{label_app_kubernetes_io_component}}",
            )
        ],
    )
    yield over_time(
        "From made to scheduled",
        "Seconds until a node takes the pod: minutes mean that a node had to be added, or that there is "
        "no room.",
        [
            (
                f"max by (label_mlb_job) ((kube_pod_status_scheduled_time{{{_OURS}}} - kube_pod_created) "
                f"{_BY_JOB})",
                "{{label_mlb_job}}",
            )
        ],
        "s",
    )
    yield listing(
        "Newest pods",
        "When each ended and how long it ran; `kubectl -n mlb logs <pod>` has its log.",
        [
            ("Ran", f"(kube_pod_completion_time{{{_OURS}}} - kube_pod_start_time) {_BY_JOB}", "s"),
            ("Ended", f"kube_pod_completion_time{{{_OURS}}} * 1000", "dateTimeAsIso"),
        ],
        "pod",
        {"pod": "Pod", "label_mlb_job": "Job", "label_app_kubernetes_io_component": "Part"},
        span=12,
    )


def _resources() -> Iterator[Any]:
    yield over_time(
        "Start-up of the last run",
        "From the process's start until Spark's session is there.",
        [("max by (mlb_job) (mlb_last_run_start_up_seconds)", "{{mlb_job}}")],
        "s",
    )
    yield over_time(
        "Executors of the last run",
        "0: Spark ran in the driver alone, which is the default for a day's delivery.",
        [("max by (mlb_job) (mlb_last_run_executors)", "{{mlb_job}}")],
    )
    yield over_time(
        "Most memory of the last run",
        "The driver's process with the JVM and Python workers, and the largest JVM of an executor, beside "
        "the "
        "largest limit of a container: near it, a pod is killed.",
        [
            ("max by (mlb_job) (mlb_last_run_driver_peak_memory_bytes)", "{{mlb_job}} driver"),
            ("max by (mlb_job) (mlb_last_run_executor_peak_memory_bytes)", "{{mlb_job}} executor"),
            (f'max(kube_pod_container_resource_limits{{{_OURS}, resource="memory"}})', "largest limit"),
        ],
        "bytes",
    )
    yield over_time(
        "Garbage collection of the last run",
        "Seconds of the driver's JVM. A fifth of the run and more: it has too little memory.",
        [("max by (mlb_job) (mlb_last_run_gc_seconds)", "{{mlb_job}}")],
        "s",
    )


def _limits() -> Iterator[Any]:
    yield over_time(
        "Quota used",
        "Share of each resource of the ResourceQuota; a pod beyond it is refused and its task fails.",
        [(f"max by (resource) ({_quota()})", "{{resource}}")],
        "percentunit",
        ((None, "green"), (QUOTA_RATIO, "red")),
    )
    yield over_time(
        "Memory that pods asked for and may take",
        "Requests and limits of pods that run.",
        [
            (
                f"sum by (resource) (kube_pod_container_resource_{kind}"
                f'{{{_OURS}, resource="memory"}} * on (namespace, pod) group_left () '
                'max by (namespace, pod) (kube_pod_status_phase{phase="Running"}))',
                kind,
            )
            for kind in ("requests", "limits")
        ],
        "bytes",
    )


def _quota() -> str:
    used, hard = (
        f'max by (resource) (kube_resourcequota{{{_OURS}, type="{kind}"}})' for kind in ("used", "hard")
    )
    return f"{used} / ({hard} > 0)"
