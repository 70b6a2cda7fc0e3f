"""S3 as the platform sees it, broken for a while: its Service leads to nobody, or to a server that ails."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e.deployed import AIRFLOW

_SERVICE = _DEPLOYMENT = "airflow-aws-local"
_NAME = "broken-s3"
#: What the pods that ail have besides the labels of the S3 server's own.
_FAULT = "mlb/fault"
_LABEL = {_FAULT: _NAME}
_PORT = 5000
#: What the pod's container has of the S3 server's.
_SAME = ("image", "imagePullPolicy", "securityContext", "resources", "ports")
#: How long S3 is broken, in seconds.
BROKEN = 30


def away() -> None:
    """Nobody answers."""
    with _leading_to("nobody-at-all"):
        time.sleep(BROKEN)


def ailing(mode: str) -> None:
    """A server answers as the MODE of ailing.py says."""
    deployment = AIRFLOW.get("deployment", _DEPLOYMENT)["spec"]
    labels = deployment["selector"]["matchLabels"]
    upstream = AIRFLOW.get("pods", "-l", _selecting(labels))["items"][0]["status"]["podIP"]
    objects = [_script(), *_policies(labels), _pod(deployment, labels, mode, upstream)]
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    AIRFLOW.kubectl("apply", "-f", "-", given=manifest)
    try:
        AIRFLOW.kubectl("wait", "--for=condition=Ready", f"pod/{_NAME}", "--timeout=120s")
        with _leading_to(_NAME):
            time.sleep(BROKEN)
        assert AIRFLOW.kubectl("logs", _NAME).strip(), f"nobody has asked S3 within {BROKEN} s"
    finally:
        AIRFLOW.kubectl("delete", "-f", "-", "--grace-period=0", "--force", given=manifest)


@contextlib.contextmanager
def _leading_to(fault: str) -> Iterator[None]:
    """S3's Service leads to the fault's pods only; whoever calls it has a new connection a request."""

    def lead(to: str | None) -> None:
        patch = json.dumps({"spec": {"selector": {_FAULT: to}}})
        AIRFLOW.kubectl("patch", "service", _SERVICE, "--type=merge", "-p", patch)

    lead(fault)
    try:
        yield
    finally:
        lead(None)


def _selecting(labels: dict[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels.items())


def _script() -> dict[str, Any]:
    text = Path(__file__).with_name("ailing.py").read_text()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _NAME},
        "data": {"ailing.py": text},
    }


def _policies(labels: dict[str, str]) -> list[dict[str, Any]]:
    """The namespace denies what is not allowed: the pod may call the S3 server, and that may be called."""
    ports = [{"port": _PORT, "protocol": "TCP"}]
    to_server = {"to": [{"podSelector": {"matchLabels": labels}}], "ports": ports}
    from_pod = {"from": [{"podSelector": {"matchLabels": _LABEL}}], "ports": ports}
    sides = {
        "egress": {
            "podSelector": {"matchLabels": _LABEL},
            "policyTypes": ["Egress"],
            "egress": [to_server],
        },
        "ingress": {
            "podSelector": {"matchLabels": labels},
            "policyTypes": ["Ingress"],
            "ingress": [from_pod],
        },
    }
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"{_NAME}-{side}"},
            "spec": spec,
        }
        for side, spec in sides.items()
    ]


def _pod(deployment: dict[str, Any], labels: dict[str, str], mode: str, upstream: str) -> dict[str, Any]:
    """The S3 server's pod as it is, but for what it runs."""
    spec = deployment["template"]["spec"]
    (server,) = spec["containers"]
    container = {
        **{name: server[name] for name in _SAME},
        "name": _NAME,
        "command": ["python", "/etc/broken/ailing.py", mode, upstream, str(_PORT)],
        "readinessProbe": {"tcpSocket": {"port": _PORT}, "periodSeconds": 1},
        "volumeMounts": [{"name": "script", "mountPath": "/etc/broken", "readOnly": True}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _NAME, "labels": {**labels, **_LABEL}},
        "spec": {
            "securityContext": spec["securityContext"],
            "automountServiceAccountToken": False,
            "containers": [container],
            "volumes": [{"name": "script", "configMap": {"name": _NAME}}],
        },
    }
