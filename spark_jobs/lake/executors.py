"""Waits for the first executor pod, and says why there is none: Spark itself would wait without a word."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext
from pyspark.sql import SparkSession

from spark_jobs.errors import JobError
from spark_jobs.settings import Settings

_MEBIBYTES = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1024**2}
_POLL_SECONDS = 0.2


def wait_for_executors(session: SparkSession, settings: Settings) -> None:
    """Wait until an executor is there; raises JobError, with the reason, when the time is over."""
    context = session.sparkContext
    limit = time.monotonic() + settings.executor_timeout
    while not _executors(context):
        if time.monotonic() > limit:
            raise JobError(
                f"No executor came up in {settings.executor_timeout} s: {_reason(context, settings)}. "
                f"Look with kubectl -n {settings.namespace} get pods,resourcequotas, and run the job again."
            )
        time.sleep(_POLL_SECONDS)


def _executors(context: SparkContext) -> int:
    # The driver is among them.
    return int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1  # pyright: ignore


def _reason(context: SparkContext, settings: Settings) -> str:
    jvm: Any = context._jvm
    client = jvm.io.fabric8.kubernetes.client.KubernetesClientBuilder().build()
    try:
        of_application = client.pods().inNamespace(settings.namespace)
        listed = of_application.withLabel("spark-app-selector", context.applicationId).list()
        pods = json.loads(jvm.io.fabric8.kubernetes.client.utils.Serialization.asJson(listed)).get(
            "items", []
        )
        return why_pending(pods) or _refusal(client, settings)
    except Py4JJavaError as error:
        return _status_message(error)
    finally:
        client.close()


def why_pending(pods: Sequence[dict]) -> str | None:
    """The first reason that the pods' statuses give for not running; None where there is none."""
    return next((reason for pod in pods for reason in _reasons(pod.get("status", {}))), None)


def _reasons(status: dict) -> Iterator[str]:
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield f"it cannot be scheduled, {condition.get('message', 'for no reason given').rstrip('.')}"
    for container in status.get("containerStatuses", []):
        state = container.get("state", {})
        for detail in (state.get("waiting"), state.get("terminated")):
            if detail and detail.get("reason") not in (None, "ContainerCreating"):
                said = (detail.get("message") or "").strip().splitlines()
                yield ", ".join([detail["reason"], *said[:1]])


def _refusal(client: Any, settings: Settings) -> str:
    """What the API server says to an executor's pod that is only tried."""
    pod = json.dumps(trial_pod(settings))
    try:
        client.resource(pod).inNamespace(settings.namespace).dryRun(True).create()
    except Py4JJavaError as error:
        return _status_message(error)
    return "the API server has nothing against its pod"


def _status_message(error: Py4JJavaError) -> str:
    exception: Any = error.java_exception
    status = getattr(exception, "getStatus", lambda: None)()
    said = status.getMessage() if status else exception.getMessage()
    return str(said).splitlines()[0].rstrip(".")


def trial_pod(settings: Settings) -> dict:
    """An executor's pod, as far as quotas and admission look at it."""
    template = settings.executor_pod_template
    pod = yaml.safe_load(Path(template).read_text()) if template else {"spec": {"containers": [{}]}}
    memory = mebibytes(settings.executor_memory) + mebibytes(settings.executor_memory_overhead)
    cpu = settings.executor_cpu_request or str(settings.executor_cores)
    container = {
        "name": "executor",
        **pod["spec"]["containers"][0],
        "image": settings.executor_image,
        "resources": {
            "requests": {"memory": f"{memory}Mi", "cpu": cpu},
            "limits": {"memory": f"{memory}Mi"},
        },
    }
    spec = {
        **pod["spec"],
        "serviceAccountName": settings.executor_service_account,
        "restartPolicy": "Never",
        "containers": [container],
    }
    metadata = {**pod.get("metadata", {}), "name": f"{settings.pod_name or 'trial'}-exec"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def mebibytes(size: str) -> int:
    """A memory size as the JVM writes it (2g, 512m) in mebibytes."""
    return int(int(size[:-1]) * _MEBIBYTES[size[-1]])
