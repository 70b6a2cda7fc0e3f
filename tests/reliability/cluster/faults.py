"""What befalls the deployed platform while a stage's pod runs.

A pod is killed without a grace period. The S3 server of trials keeps its objects in memory, so it is not
killed: its Service leads nowhere for a while, which its clients cannot tell from a server that is down.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.cluster import Namespace, wait_until
from tests.e2e.deployed import AIRFLOW, SPARK

#: How long a server is away.
_AWAY = 30
#: More than a job's pod may have.
_TOO_MUCH_MEMORY = "b = bytearray(64 << 30)"
_S3 = "airflow-aws-local"


@dataclass(frozen=True)
class Fault:
    """Something that befalls the platform; `strike` is given the stage's driver pod."""

    name: str
    strike: Callable[[str], None]


def _component(name: str) -> Fault:
    def kill(pod: str) -> None:
        selected = f"app.kubernetes.io/component={name}"
        AIRFLOW.kubectl("delete", "pods", "-l", selected, "--grace-period=0", "--force")

    return Fault(f"{name} killed", kill)


def _driver_killed(pod: str) -> None:
    SPARK.kubectl("delete", "pod", pod, "--grace-period=0", "--force")


def _driver_evicted(pod: str) -> None:
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": SPARK.name},
    }
    path = f"/api/v1/namespaces/{SPARK.name}/pods/{pod}/eviction"
    SPARK.kubectl("create", "--raw", path, "-f", "-", given=json.dumps(eviction))


def _out_of_memory(pod: str) -> None:
    """A process of the pod's own takes more than its limit: the kernel ends the container."""
    _in_pod(pod, "python3", "-c", _TOO_MUCH_MEMORY)
    wait_until(lambda: _ended(pod), 120)


def _in_pod(pod: str, *command: str) -> None:
    # The exec ends with the container.
    subprocess.run(["kubectl", "-n", SPARK.name, "exec", pod, "--", *command], capture_output=True)


def _ended(pod: str) -> bool:
    found = SPARK.get("pods", f"--field-selector=metadata.name={pod}")["items"]
    return not found or found[0]["status"]["phase"] in ("Succeeded", "Failed")


def _s3_away(pod: str) -> None:
    _without_endpoints(AIRFLOW, _S3)


def _without_endpoints(namespace: Namespace, service: str) -> None:
    selector = namespace.get("service", service)["spec"]["selector"]

    def lead_to(chosen: dict[str, str | None]) -> None:
        patch = json.dumps({"spec": {"selector": chosen}})
        namespace.kubectl("patch", "service", service, "--type=merge", "-p", patch)

    lead_to({"mlb/nobody": "at-all"})
    try:
        time.sleep(_AWAY)
    finally:
        lead_to({**selector, "mlb/nobody": None})


def _kubernetes_api_restarted(pod: str) -> None:
    subprocess.run(os.environ["MLB_RESTART_API"], shell=True, check=True)
    ready = ["kubectl", "get", "--raw", "/readyz"]
    wait_until(lambda: subprocess.run(ready, capture_output=True).returncode == 0, 120)


FAULTS = (
    Fault("driver killed", _driver_killed),
    Fault("driver evicted", _driver_evicted),
    Fault("driver out of memory", _out_of_memory),
    *(_component(name) for name in ("scheduler", "triggerer", "api-server", "postgresql")),
    Fault("S3 away", _s3_away),
    Fault("Kubernetes API restarted", _kubernetes_api_restarted),
)
