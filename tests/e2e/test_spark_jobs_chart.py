"""helm/spark-jobs on a real cluster: admitted, restricted, and reached only by whom it names.

The pods here are of any small image with bash and perl (MLB_TEST_IMAGE); the jobs' own image is
tried in the other tests of this folder.
"""

import os
from collections.abc import Iterator

import pytest
import yaml

from tests.e2e.cluster import CHART, Namespace, helm, new_namespace, run
from tests.waiting import wait_until

IMAGE = os.environ.get("MLB_TEST_IMAGE", "debian:bookworm-slim")
RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
SERVER = (
    "use IO::Socket::INET; for my $port (7078, 7079, 8080) { next if fork; "
    "my $s = IO::Socket::INET->new(Listen => 5, LocalPort => $port, ReuseAddr => 1) or die; "
    "while (1) { my $c = $s->accept; close $c } } sleep"
)


@pytest.fixture(scope="module")
def namespace(options: list[str]) -> Iterator[Namespace]:
    """A namespace of its own with the chart in it, removed afterwards."""
    name = "mlb-chart-e2e"
    with new_namespace(name, enforced="baseline") as namespace:
        refused = helm("install", "spark-jobs", CHART, "-n", name, *options, ok=False)
        enforced = "pod-security.kubernetes.io/enforce=restricted"
        assert f"kubectl label namespace {name} {enforced}" in refused
        run("kubectl", "label", "--overwrite", "namespace", name, enforced)
        helm("install", "spark-jobs", CHART, "-n", name, *options)
        yield namespace


def test_the_eks_example_is_accepted_by_the_api_server(namespace: Namespace) -> None:
    """But what only the Prometheus Operator's definitions know, which tests/charts has the schemas of."""
    rendered = helm(
        "template", "eks", CHART, "-n", namespace.name, "-f", CHART / "values-eks.yaml", "--skip-tests"
    )
    manifests = [manifest for manifest in yaml.safe_load_all(rendered) if manifest]
    kubernetes = [m for m in manifests if not m["apiVersion"].startswith("monitoring.coreos.com/")]
    assert len(kubernetes) == len(manifests) - 2
    namespace.kubectl("apply", "--dry-run=server", "-f", "-", given=yaml.safe_dump_all(kubernetes))


@pytest.mark.parametrize("job", ["ingest", "etl", "load", "aggregate"])
def test_every_jobs_pod_is_admitted_under_pod_security_restricted(namespace: Namespace, job: str) -> None:
    templates = namespace.get("configmap", "spark-jobs-pod-templates")["data"]
    pod = yaml.safe_load(templates[f"{job}.yaml"])
    pod["metadata"]["labels"] |= {"mlb/delivery-date": "2023-10-01", "mlb/run-id": "e2e"}
    namespace.kubectl("create", "--dry-run=server", "-f", "-", given=yaml.safe_dump(pod))
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    refused = namespace.kubectl(
        "create", "--dry-run=server", "-f", "-", given=yaml.safe_dump(pod), ok=False
    )
    assert 'violates PodSecurity "restricted' in refused


def test_an_executors_pod_is_admitted_too(namespace: Namespace) -> None:
    pod = yaml.safe_load(namespace.get("configmap", "spark-jobs-executor-pod")["data"]["pod.yaml"])
    pod["metadata"]["name"] = "executor"
    pod["spec"]["containers"][0]["image"] = IMAGE
    namespace.kubectl("create", "--dry-run=server", "-f", "-", given=yaml.safe_dump(pod))


def test_a_container_larger_than_the_limit_range_is_refused(namespace: Namespace) -> None:
    pod = tool_pod("large", {})
    pod["spec"]["containers"][0]["resources"] = {"limits": {"memory": "17Gi", "cpu": "1"}}
    refused = namespace.kubectl(
        "create", "--dry-run=server", "-f", "-", given=yaml.safe_dump(pod), ok=False
    )
    assert "maximum memory usage per Container is 16Gi" in refused


def test_service_accounts_may_do_what_they_need_and_nothing_else(namespace: Namespace) -> None:
    launcher, driver = "airflow:airflow-scheduler", f"{namespace.name}:spark-jobs-driver"
    executor = f"{namespace.name}:spark-jobs-executor"
    for verb in ("create", "get", "list", "watch", "patch", "delete"):
        assert namespace.can(launcher, verb, "pods"), verb
    assert namespace.can(launcher, "get", "pods", of="log") and namespace.can(launcher, "list", "events")
    assert namespace.can(launcher, "get", "configmaps/spark-jobs-pod-templates")
    for verb in ("create", "get", "list", "watch", "delete", "deletecollection"):
        assert namespace.can(driver, verb, "pods"), verb
    for account in (launcher, driver, executor):
        assert not namespace.can(account, "create", "pods", of="exec")
        for verb, what in (("get", "secrets"), ("get", "configmaps"), ("delete", "jobs")):
            assert not namespace.can(account, verb, what), (account, verb, what)
    assert not namespace.can(executor, "get", "pods")
    assert not Namespace("default").can(launcher, "create", "pods")


@pytest.fixture(scope="module")
def pods(namespace: Namespace) -> dict[str, str]:
    """A pod that looks like a driver, one like an executor, one like neither; their addresses."""
    labels = {"app.kubernetes.io/name": "spark-jobs", "app.kubernetes.io/instance": "spark-jobs"}
    for name in ("driver", "executor", "stranger"):
        known = {**labels, "app.kubernetes.io/component": name} if name != "stranger" else {}
        namespace.kubectl("create", "-f", "-", given=yaml.safe_dump(tool_pod(name, known)))
    names = ["pod/driver", "pod/executor", "pod/stranger"]
    namespace.kubectl("wait", "--for=condition=Ready", "--timeout=90s", *names)
    return {p["metadata"]["name"]: p["status"]["podIP"] for p in namespace.get(*names)["items"]}


def tool_pod(name: str, labels: dict[str, str]) -> dict:
    container = {
        "name": "tool",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["perl", "-e", SERVER],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "securityContext": RESTRICTED,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def test_pods_reach_only_what_the_network_policies_name(
    namespace: Namespace, pods: dict[str, str], api_server: tuple[str, int]
) -> None:
    address, port = api_server
    allowed = [
        ("executor", pods["driver"], 7078),
        ("executor", pods["driver"], 7079),
        ("driver", pods["executor"], 7079),
        ("driver", address, port),
    ]
    denied = [
        ("executor", pods["driver"], 8080),
        ("driver", pods["executor"], 7078),
        ("stranger", pods["driver"], 7078),
        ("stranger", pods["executor"], 7079),
        ("driver", pods["stranger"], 8080),
        ("executor", pods["stranger"], 8080),
        ("executor", address, port),
        ("stranger", address, port),
    ]
    # A pod is open to all until the node has heard of the policies that select it.
    for connection in denied:
        wait_until(lambda connection=connection: not namespace.reaches(*connection))
    for connection in allowed:
        wait_until(lambda connection=connection: namespace.reaches(*connection))
    assert [connection for connection in denied if namespace.reaches(*connection)] == []


def test_only_the_charts_pods_resolve_names(namespace: Namespace, pods: dict[str, str]) -> None:
    question = ["--", "timeout", "15", "getent", "hosts", "kubernetes.default.svc.cluster.local"]
    namespace.kubectl("exec", "driver", *question)
    namespace.kubectl("exec", "executor", *question)
    namespace.kubectl("exec", "stranger", *question, ok=False)


def test_a_stage_by_hand_is_a_job_with_a_pod_that_kubectl_finds(
    namespace: Namespace, options: list[str]
) -> None:
    helm(
        *("upgrade", "spark-jobs", CHART, "-n", namespace.name, *options),
        *("--set", "oneOff.enabled=true,oneOff.job=etl,oneOff.date=2023-10-01,image.tag=not-there"),
    )
    selected = "mlb/job=etl,mlb/delivery-date=2023-10-01,mlb/run-id=spark-jobs-etl-2023-10-01-2"
    wait_until(lambda: len(namespace.get("pods", "-l", selected)["items"]) == 1)
