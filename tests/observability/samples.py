"""Series of the pipeline's and the cluster's metrics: every name of the catalogues, with its labels."""

import itertools
import time
from collections.abc import Iterator

from metrics_exporter.catalogue import METRICS
from observability import kube_state_metrics

#: Values of labels after one run on the cluster.
VALUES: dict[str, list[str]] = {
    "mlb_job": ["ingest", "etl", "load", "aggregate"],
    "outcome": ["succeeded", "failed", "rows_in", "staged", "quarantined", "late"],
    "stage": ["read", "write"],
    "delivery": ["2023-10-01", "2023-10-02"],
    "reason": ["salary_range", "identity_conflict"],
    "state": ["open", "replayed"],
    "kind": ["row", "file"],
    "table": ["silver/employees", "gold/team_season_payroll"],
    "part": ["ledger"],
    "namespace": ["mlb"],
    "pod": ["spark-jobs-etl-1"],
    "container": ["spark"],
    "phase": ["Pending", "Running", "Succeeded", "Failed"],
    "resource": ["cpu", "memory", "pods"],
    "resourcequota": ["spark-jobs"],
    "type": ["used", "hard"],
    "annotation_mlb_airflow_log": [
        "http://localhost:8080/dags/mlb_employee_data_pipeline/runs/r/tasks/etl"
    ],
    "label_mlb_job": ["etl"],
    "label_mlb_delivery_date": ["2023-10-01"],
    "label_app_kubernetes_io_component": ["driver"],
}
#: A cluster on which nothing has been killed for memory, and nothing waits for an image, has no such
#: series.
ABSENT = {
    "kube_pod_container_status_terminated_reason",
    "kube_pod_container_status_last_terminated_reason",
    "kube_pod_container_status_waiting_reason",
}


def exposition() -> str:
    """All series as an exporter shows them: times are now, everything else is 1."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    metrics = {metric.name: metric.labels for metric in METRICS} | kube_state_metrics.METRICS
    for name, labels in metrics.items():
        if name in ABSENT:
            continue
        value = time.time() if "timestamp" in name or "time" in name.split("_") else 1
        for values in itertools.product(*(VALUES[label] for label in labels)):
            shown = ",".join(f'{label}="{each}"' for label, each in zip(labels, values, strict=True))
            yield f"{name}{{{shown}}} {value}" if shown else f"{name} {value}"
