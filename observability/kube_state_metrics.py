"""What kube-state-metrics has to show for dashboards and rules: names, and the labels that are used.

It is part of the cluster's own monitoring stack (kube-prometheus-stack). It shows labels and annotations of
pods only where it is told to: docs/observability.md has the options, for LABELS and ANNOTATIONS here.
"""

#: Labels and annotations of pods, as they are on the pods.
LABELS = ("mlb/job", "mlb/delivery-date", "app.kubernetes.io/component")
ANNOTATIONS = ("mlb/airflow-log",)

_POD = ("namespace", "pod")
_CONTAINER = (*_POD, "container")
METRICS: dict[str, tuple[str, ...]] = {
    "kube_pod_annotations": (*_POD, "annotation_mlb_airflow_log"),
    "kube_pod_completion_time": _POD,
    "kube_pod_container_resource_limits": (*_CONTAINER, "resource"),
    "kube_pod_container_resource_requests": (*_CONTAINER, "resource"),
    "kube_pod_container_status_last_terminated_reason": (*_CONTAINER, "reason"),
    "kube_pod_container_status_restarts_total": _CONTAINER,
    "kube_pod_container_status_terminated_reason": (*_CONTAINER, "reason"),
    "kube_pod_container_status_waiting_reason": (*_CONTAINER, "reason"),
    "kube_pod_created": _POD,
    "kube_pod_labels": (
        *_POD,
        "label_mlb_job",
        "label_mlb_delivery_date",
        "label_app_kubernetes_io_component",
    ),
    "kube_pod_start_time": _POD,
    "kube_pod_status_phase": (*_POD, "phase"),
    "kube_pod_status_scheduled_time": _POD,
    "kube_resourcequota": ("namespace", "resourcequota", "resource", "type"),
}
