"""A small Kubernetes API: pods, ConfigMaps and events in memory, over HTTP, with the chart's pod templates.

The operator speaks to it with Kubernetes' own client. Pods do what a test tells them to.
"""

import json
import subprocess
from collections.abc import Callable
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlparse

import yaml

ROOT = Path(__file__).parents[2]
NAMESPACE = "mlb"


@cache
def rendered_templates() -> dict[str, str]:
    """The ConfigMap of pod templates, as the chart renders it with its local values."""
    tools = subprocess.run(
        [ROOT / ".venv" / "bin" / "python", "tools/chart_tools.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    chart = ROOT / "helm" / "spark-jobs"
    helm = Path(tools.stdout.strip().splitlines()[-1]) / "helm"
    command = [helm, "template", "spark-jobs", chart, "-n", NAMESPACE, "-f", chart / "values-local.yaml"]
    manifests = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    maps = [each for each in yaml.safe_load_all(manifests) if each and each["kind"] == "ConfigMap"]
    return next(each["data"] for each in maps if each["metadata"]["name"] == "spark-jobs-pod-templates")


class KubeApi:
    """The server, its pods by name, and what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.config_maps = {"spark-jobs-pod-templates": dict(rendered_templates())}
        self.refuse_pods: str | None = None
        self.deleted: list[str] = []
        self.looks_left: int | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.config_file = folder / "kubeconfig"
        cluster = {"server": f"http://127.0.0.1:{self._server.server_port}"}
        self.config_file.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "test",
                    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                    "clusters": [{"name": "test", "cluster": cluster}],
                    "users": [{"name": "test", "user": {}}],
                }
            )
        )

    def __enter__(self) -> "KubeApi":
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def pod(self) -> dict[str, Any]:
        """The only pod there is."""
        (pod,) = self.pods.values()
        return pod

    def running(self) -> None:
        """Every pod that has not ended runs."""
        for pod in self.pods.values():
            if pod["status"]["phase"] == "Pending":
                pod["status"] = {"phase": "Running", "containerStatuses": [_container(running={})]}

    def ended(
        self, exit_code: int, message: str | dict[str, Any] = "", reason: str = "", **status: Any
    ) -> None:
        """Every pod that has not ended ends in this way; a message that is no text becomes JSON."""
        text = message if isinstance(message, str) else json.dumps(message)
        terminated = {
            "exitCode": exit_code,
            "reason": reason or ("Completed" if exit_code == 0 else "Error"),
            "message": text,
            "finishedAt": "2023-10-02T00:30:00Z",
        }
        for pod in self.pods.values():
            if pod["status"]["phase"] in ("Pending", "Running"):
                phase = "Failed" if exit_code else "Succeeded"
                pod["status"] = {
                    "phase": phase,
                    "containerStatuses": [_container(terminated=terminated)],
                    **status,
                }

    def looked(self, name: str) -> None:
        """Somebody has read a pod; after `looks_left` of that it goes."""
        if self.looks_left is not None:
            self.looks_left -= 1
            if self.looks_left <= 0:
                self.pods.pop(name)

    def add(self, pod: dict[str, Any]) -> dict[str, Any]:
        """Make a pod as the API server would: pending, in the namespace."""
        pod["metadata"].setdefault("namespace", NAMESPACE)
        pod["metadata"]["creationTimestamp"] = "2023-10-02T00:00:00Z"
        pod["metadata"]["uid"] = pod["metadata"]["name"]
        pod["status"] = {"phase": "Pending"}
        self.pods[pod["metadata"]["name"]] = pod
        return pod


def _container(**state: Any) -> dict[str, Any]:
    return {
        "name": "base",
        "image": "i",
        "imageID": "i",
        "ready": False,
        "restartCount": 0,
        "state": state,
    }


def _handler(api: KubeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def _answer(self, status: int, body: Any) -> None:
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _serve(self, what: Callable[[list[str], dict[str, list[str]]], tuple[int, Any]]) -> None:
            url = urlparse(self.path)
            # /api/v1/namespaces/<namespace>/<kind>[/<name>[/log]]
            self._answer(*what(url.path.split("/")[5:], parse_qs(url.query)))

        def _body(self) -> Any:
            return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")

        def do_GET(self) -> None:
            self._serve(self._get)

        def _get(self, path: list[str], query: dict[str, list[str]]) -> tuple[int, Any]:
            match path:
                case ["pods"]:
                    selector = query.get("labelSelector", [""])[0]
                    found = [pod for pod in api.pods.values() if _matches(pod, selector)]
                    return 200, {"kind": "PodList", "items": found}
                case ["pods", name] if name in api.pods:
                    pod = api.pods[name]
                    api.looked(name)
                    return 200, pod
                case ["pods", _, "log"]:
                    return 200, "a line of the log\n"
                case ["events"]:
                    return 200, {"kind": "EventList", "items": api.events}
                case ["configmaps", name] if name in api.config_maps:
                    return 200, {"kind": "ConfigMap", "data": api.config_maps[name]}
            return _not_found(path)

        def do_POST(self) -> None:
            pod = self._body()
            if api.refuse_pods:
                self._answer(403, {"kind": "Status", "code": 403, "message": api.refuse_pods})
            else:
                self._answer(201, api.add(pod))

        def do_PATCH(self) -> None:
            changes = self._body()

            def patch(path: list[str], _: Any) -> tuple[int, Any]:
                if path[1] not in api.pods:
                    return _not_found(path)
                api.pods[path[1]]["metadata"]["labels"].update(changes["metadata"]["labels"])
                return 200, api.pods[path[1]]

            self._serve(patch)

        def do_DELETE(self) -> None:
            def delete(path: list[str], _: Any) -> tuple[int, Any]:
                if path[1] not in api.pods:
                    return _not_found(path)
                api.deleted.append(path[1])
                return 200, api.pods.pop(path[1])

            self._serve(delete)

    return Handler


def _not_found(path: list[str]) -> tuple[int, Any]:
    return 404, {"kind": "Status", "code": 404, "message": f"{'/'.join(path)} not found"}


def _matches(pod: dict[str, Any], selector: str) -> bool:
    labels = pod["metadata"].get("labels", {})
    for part in filter(None, selector.split(",")):
        if part.startswith("!"):
            if part[1:] in labels:
                return False
        elif "!=" in part:
            name, value = part.split("!=")
            if labels.get(name) == value:
                return False
        elif "=" in part:
            name, value = part.split("=")
            if labels.get(name) != value:
                return False
        elif part not in labels:
            return False
    return True
