"""What befalls the deployed platform while a stage's pod runs.

A pod is killed without a grace period. The S3 server of trials keeps its objects in memory, so it is not
killed: its Service leads elsewhere for a while (broken_s3.py), which its clients cannot tell from a server
that is down or ails.
"""

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.e2e.cluster import CHART, helm
from tests.e2e.deployed import AIRFLOW, SPARK
from tests.reliability.cluster import broken_s3
from tests.waiting import wait_until

#: More than a job's pod may have. Whom the kernel ends is the JVM, if it does not end the whole container.
_TOO_MUCH_MEMORY = """
import pathlib
for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
    if comm.read_text() == "java\\n":
        (comm.parent / "oom_score_adj").write_text("1000")
b = bytearray(64 << 30)
"""
#: More than driver.workSizeLimit.
_TOO_LARGE = 11 << 30
#: Takes the room without writing it, and keeps the job from ending before the kubelet has looked.
_FILL = """
import os, pathlib, signal
os.posix_fallocate(os.open("{file}", os.O_CREAT | os.O_RDWR), 0, {size})
for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
    if comm.read_text() == "java\\n":
        os.kill(int(comm.parent.name), signal.SIGSTOP)
"""
_KILL = """
import os, pathlib, signal
for process in pathlib.Path("/proc").glob("[0-9]*"):
    # Not the init process, which no signal from within ends, nor this one.
    if process.name not in ("1", str(os.getpid())):
        os.kill(int(process.name), signal.SIGKILL)
"""
_TEMPLATES = "spark-jobs-pod-templates"
_IMAGE = re.compile(r"(image: *\"?[^\s\"]*/spark-jobs):[^\s\"]+")


@dataclass(frozen=True)
class Fault:
    """Something that befalls the platform; `strike` is given the stage's driver pod.

    `ends_driver`: the stage has to be tried again, or the fault did not come; `of_executors`: there must
    be some.
    """

    name: str
    strike: Callable[[str], None]
    ends_driver: bool = False
    of_executors: bool = False


def _component(name: str) -> Fault:
    def kill(pod: str) -> None:
        selected = f"app.kubernetes.io/component={name}"
        how = ("--grace-period=0", "--force", "-o", "name")
        gone = AIRFLOW.kubectl("delete", "pods", "-l", selected, *how)
        assert gone.strip(), f"there was no pod of {name}"

    return Fault(f"{name} killed", kill)


def _driver_killed(pod: str) -> None:
    """Its processes are; the pod stays until somebody deletes it, so that two at once would be seen."""
    _in_pod(pod, "python3", "-c", _KILL)
    wait_until(lambda: SPARK.get("pod", pod)["status"]["phase"] == "Failed", 120)


def _pod_deleted(pod: str) -> None:
    """As where a node is gone: nobody learns how its processes ended."""
    SPARK.kubectl("delete", "pod", pod, "--grace-period=0", "--force")


def _executor_killed(pod: str) -> None:
    """One of the driver's executors, once it works; Spark asks for another."""
    wait_until(lambda: _executors_of(pod), 300)
    (executor, *_) = _executors_of(pod)
    _in_pod(executor, "python3", "-c", _KILL)
    wait_until(lambda: executor not in _executors_of(pod), 120)


def _executors_of(pod: str) -> list[str]:
    selected = SPARK.get("pods", "-l", "app.kubernetes.io/component=executor")["items"]
    return [
        executor["metadata"]["name"]
        for executor in selected
        if executor["status"]["phase"] == "Running"
        and pod in [owner["name"] for owner in executor["metadata"].get("ownerReferences", [])]
    ]


@contextlib.contextmanager
def executors() -> Iterator[None]:
    """Within it the jobs of the deployed chart have an executor."""
    _set_executors("enabled=true,executors.count=1,executors.memory=1g")
    try:
        yield
    finally:
        _set_executors("enabled=false")


def _set_executors(values: str) -> None:
    chart = ("upgrade", "spark-jobs", CHART, "-n", SPARK.name, "--reuse-values")
    helm(*chart, "--set", f"executors.{values}")


def _driver_evicted(pod: str) -> None:
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": SPARK.name},
    }
    path = f"/api/v1/namespaces/{SPARK.name}/pods/{pod}/eviction"
    SPARK.kubectl("create", "--raw", path, "-f", "-", given=json.dumps(eviction))


def _out_of_memory(pod: str) -> None:
    """A process of the pod's own takes more than its limit: the kernel ends the container, or its JVM."""
    _in_pod(pod, "python3", "-c", _TOO_MUCH_MEMORY)
    wait_until(lambda: SPARK.get("pod", pod)["status"]["phase"] == "Failed", 120)


def _in_pod(pod: str, *command: str) -> None:
    # The exec ends with the container.
    subprocess.run(["kubectl", "-n", SPARK.name, "exec", pod, "--", *command], capture_output=True)


def _disk_full(pod: str) -> None:
    """The folder for the job's own files becomes larger than it may: the kubelet evicts the pod."""
    mounts = SPARK.get("pod", pod)["spec"]["containers"][0]["volumeMounts"]
    (folder,) = (mount["mountPath"] for mount in mounts if mount["name"] == "work")
    _in_pod(pod, "python3", "-c", _FILL.format(file=f"{folder}/full", size=_TOO_LARGE))
    wait_until(lambda: SPARK.get("pod", pod)["status"].get("reason") == "Evicted", 300)


def _image_not_there(pod: str) -> None:
    """The driver dies, and the image of the next one cannot be pulled until somebody has mended that."""
    templates = SPARK.get("configmap", _TEMPLATES)["data"]
    wrong = {name: _IMAGE.sub(r"\1:not-there", text) for name, text in templates.items()}
    assert wrong != templates
    _patch_templates(wrong)
    try:
        _pod_deleted(pod)
        wait_until(_image_waited_for, 300)
    finally:
        _patch_templates(templates)


def _patch_templates(templates: dict[str, str]) -> None:
    patch = json.dumps({"data": templates})
    SPARK.kubectl("patch", "configmap", _TEMPLATES, "--type=merge", "-p", patch)


def _image_waited_for() -> bool:
    pods = SPARK.get("pods", "-l", "app.kubernetes.io/component=driver")["items"]
    states = [
        state["state"]
        for pod in pods
        if pod["status"]["phase"] == "Pending"
        for state in pod["status"].get("containerStatuses", [])
    ]
    return any("Image" in state.get("waiting", {}).get("reason", "") for state in states)


def _s3(mode: str) -> Callable[[str], None]:
    return lambda pod: broken_s3.ailing(mode)


def _kubernetes_api_restarted(pod: str) -> None:
    subprocess.run(os.environ["MLB_RESTART_API"], shell=True, check=True)
    ready = ["kubectl", "get", "--raw", "/readyz"]
    wait_until(lambda: subprocess.run(ready, capture_output=True).returncode == 0, 120)


FAULTS = (
    Fault("driver killed", _driver_killed, ends_driver=True),
    Fault("driver's pod deleted", _pod_deleted, ends_driver=True),
    Fault("driver evicted", _driver_evicted, ends_driver=True),
    Fault("driver out of memory", _out_of_memory, ends_driver=True),
    Fault("executor killed", _executor_killed, of_executors=True),
    *(_component(name) for name in ("scheduler", "triggerer", "api-server", "postgresql")),
    Fault("driver's disk full", _disk_full, ends_driver=True),
    Fault("image not there", _image_not_there, ends_driver=True),
    Fault("S3 away", lambda pod: broken_s3.away()),
    Fault("S3 answers 503", _s3("throttled")),
    Fault("S3 resets connections", _s3("reset")),
    Fault("S3 slow", _s3("slow")),
    Fault("S3's credentials expired", _s3("expired")),
    Fault("Kubernetes API restarted", _kubernetes_api_restarted),
)
