"""The cluster that KUBECONFIG names: kubectl and helm, as a person would call them."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.chart_tools import tools

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "spark-jobs"


def run(*command: str | Path, given: str | None = None, ok: bool = True) -> str:
    """What a command prints; it must succeed, or, with `ok=False`, fail."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, input=given, timeout=300)
    said = done.stdout if ok else done.stdout + done.stderr
    assert (done.returncode == 0) == ok, f"{command}\n{done.stdout}{done.stderr}"
    return said


def helm(*arguments: str | Path, ok: bool = True) -> str:
    """Run helm."""
    return run(tools() / "helm", *arguments, ok=ok)


@dataclass(frozen=True)
class Namespace:
    """A namespace of the cluster."""

    name: str

    def kubectl(self, *arguments: str | Path, given: str | None = None, ok: bool = True) -> str:
        """Run kubectl in it."""
        return run("kubectl", "-n", self.name, *arguments, given=given, ok=ok)

    def get(self, *arguments: str) -> Any:
        """What `kubectl get` knows, as Python has it."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def can(self, account: str, verb: str, what: str, of: str = "") -> bool:
        """Whether a service account (namespace:name) may do something here; `of`: to a subresource."""
        question = ["kubectl", "-n", self.name, "auth", "can-i", verb, what, f"--subresource={of}"]
        asked = [*question, f"--as=system:serviceaccount:{account}"]
        answer = subprocess.run(asked, capture_output=True, text=True)
        # With "no" it fails, as it does where nobody has answered.
        assert answer.stdout.split()[:1] in (["yes"], ["no"]), answer.stderr
        return answer.stdout.startswith("yes")

    def reaches(self, pod: str, host: str, port: int) -> bool:
        """Whether a pod can open a TCP connection."""
        connect = f"timeout 3 bash -c '</dev/tcp/{host}/{port}' && echo open || echo closed"
        answer = self.kubectl("exec", pod, "--", "bash", "-c", connect).strip()
        assert answer in ("open", "closed"), answer
        return answer == "open"


@contextmanager
def new_namespace(name: str, enforced: str = "restricted") -> Iterator[Namespace]:
    """A namespace of its own that enforces a level of Pod Security, removed afterwards."""
    run("kubectl", "create", "namespace", name)
    try:
        run("kubectl", "label", "namespace", name, f"pod-security.kubernetes.io/enforce={enforced}")
        yield Namespace(name)
    finally:
        run("kubectl", "delete", "namespace", name)
