"""Why no executor came up, as far as it can be said without a cluster; tests/e2e asks a real one."""

from pathlib import Path

from spark_jobs.lake.executors import mebibytes, trial_pod, why_pending
from tests.unit.lake.test_kubernetes import settings


def pod(**status) -> dict:
    return {"status": status}


def test_the_scheduler_and_the_kubelet_say_why_a_pod_waits() -> None:
    starting = pod(containerStatuses=[{"state": {"waiting": {"reason": "ContainerCreating"}}}])
    assert why_pending([]) is None and why_pending([starting, pod()]) is None
    condition = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes have enough memory."}
    assert why_pending([starting, pod(conditions=[condition])]) == (
        "it cannot be scheduled, 0/1 nodes have enough memory"
    )
    pulling = pod(
        containerStatuses=[{"state": {"waiting": {"reason": "ErrImagePull", "message": "no\nway"}}}]
    )
    assert why_pending([pulling]) == "ErrImagePull, no"
    killed = pod(containerStatuses=[{"state": {"terminated": {"reason": "OOMKilled"}}}])
    assert why_pending([killed]) == "OOMKilled"


def test_the_trial_is_as_large_as_an_executor_and_as_restricted_as_its_template(tmp_path: Path) -> None:
    template = tmp_path / "pod.yaml"
    template.write_text(
        "metadata: {labels: {a: b}}\n"
        "spec: {priorityClassName: low, containers: [{name: executor, workingDir: /tmp}]}\n"
    )
    tried = trial_pod(
        settings(executor_pod_template=template, executor_memory="1g", executor_memory_overhead="512m")
    )
    container = tried["spec"]["containers"][0]
    assert container["resources"]["requests"] == {"memory": "1536Mi", "cpu": "1"}
    assert (container["workingDir"], container["image"]) == ("/tmp", "mlb/spark-jobs:dev")
    assert tried["spec"]["priorityClassName"] == "low"
    assert tried["spec"]["serviceAccountName"] == "executor"
    assert tried["metadata"] == {"labels": {"a": "b"}, "name": "etl-1-exec"}


def test_sizes_as_the_jvm_writes_them() -> None:
    assert [mebibytes(size) for size in ("512m", "2g", "1t", "2048k")] == [512, 2048, 1048576, 2]
