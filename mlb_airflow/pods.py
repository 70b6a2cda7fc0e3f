"""Ended pods of jobs: they stay for kubectl for a while, and then go."""

import datetime as dt
import logging
from typing import Any

from kubernetes.client import ApiException, CoreV1Api

from mlb_airflow.operators import JOB_LABEL

log = logging.getLogger(__name__)
#: How long an ended pod stays.
KEEP = dt.timedelta(days=7)


def remove_ended_pods(
    client: CoreV1Api, namespace: str, now: dt.datetime, keep: dt.timedelta = KEEP
) -> list[str]:
    """Delete the jobs' pods that ended longer ago than `keep`; the names of those that were deleted."""
    pods: Any = client.list_namespaced_pod(namespace, label_selector=JOB_LABEL)
    removed = []
    for pod in pods.items:
        ended = ended_at(pod)
        if ended and now - ended > keep:
            try:
                client.delete_namespaced_pod(pod.metadata.name, namespace)
            except ApiException as error:
                if error.status != 404:  # else somebody was faster
                    raise
            removed.append(pod.metadata.name)
    log.info("%d ended pods removed: %s", len(removed), ", ".join(removed))
    return removed


def ended_at(pod: Any) -> dt.datetime | None:
    """When a pod has ended (when it was made, where it does not say); None while it is active."""
    if pod.status.phase not in ("Succeeded", "Failed"):
        return None
    states = [each.state.terminated for each in pod.status.container_statuses or [] if each.state]
    times = [state.finished_at for state in states if state and state.finished_at]
    return max(times, default=pod.metadata.creation_timestamp)
