"""What the deployed charts refuse: rights to accounts, pods to who may launch some, connections to pods.

On what `make deploy` has installed, of which it changes nothing: writes are dry runs, and the pods that it
starts are strangers of its own.
"""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import __main__ as platform
from tests.e2e.cluster import Namespace, new_namespace
from tests.e2e.deployed import AIRFLOW, SPARK
from tests.waiting import wait_until

SCHEDULER, TRIGGERER = "airflow:airflow-scheduler", "airflow:airflow-triggerer"
#: Accounts whose pods never ask the API server for anything.
WITHOUT_RIGHTS = [
    "airflow:airflow-api-server",
    "airflow:airflow-dag-processor",
    "airflow:default",
    "mlb:spark-jobs-driver",
    "mlb:spark-jobs-metrics-exporter",
    "mlb:default",
]
#: What a launcher may do in the jobs' namespace: pods, their logs and events, one ConfigMap.
OF_LAUNCHERS = {
    *(("pods", "", verb) for verb in ("create", "delete", "get", "list", "patch", "watch")),
    ("pods/log", "", "get"),
    ("events", "", "list"),
    ("configmaps", "spark-jobs-pod-templates", "get"),
}
#: Questions about oneself, which every account may ask.
OF_EVERYBODY = {"authentication.k8s.io", "authorization.k8s.io"}

CHANGED_PODS = yaml.safe_load(Path(__file__).with_name("refused_pods.yaml").read_text())
#: An image that is in the cluster, with Python.
IMAGE = next(image for image in platform.IMAGES if "metrics-exporter" in image)


@pytest.mark.parametrize("namespace", [SPARK, AIRFLOW], ids=lambda namespace: namespace.name)
def test_a_namespace_enforces_restricted_and_denies_by_default(namespace: Namespace) -> None:
    labels = Namespace("").get("namespace", namespace.name)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    policies = [policy["spec"] for policy in namespace.get("networkpolicies")["items"]]
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in policies


@pytest.mark.parametrize(
    ("account", "verb", "what", "where"),
    [
        (SCHEDULER, "get", "secrets", "mlb"),
        (SCHEDULER, "list", "secrets", "airflow"),
        (SCHEDULER, "create", "pods/exec", "mlb"),
        (SCHEDULER, "create", "pods/portforward", "mlb"),
        (SCHEDULER, "patch", "pods/ephemeralcontainers", "mlb"),
        (SCHEDULER, "create", "pods", "airflow"),
        (SCHEDULER, "list", "pods", "kube-system"),
        (SCHEDULER, "get", "configmaps", "mlb"),
        (SCHEDULER, "delete", "networkpolicies", "mlb"),
        (SCHEDULER, "patch", "resourcequotas", "mlb"),
        (SCHEDULER, "create", "serviceaccounts/token", "mlb"),
        (SCHEDULER, "create", "rolebindings", "mlb"),
        (SCHEDULER, "escalate", "roles", "mlb"),
        (SCHEDULER, "patch", "namespaces", "mlb"),
        (SCHEDULER, "list", "nodes", "mlb"),
        (SCHEDULER, "impersonate", "users", "mlb"),
        (TRIGGERER, "get", "secrets", "mlb"),
        (TRIGGERER, "create", "pods/exec", "mlb"),
        *((account, "list", "pods", account.split(":")[0]) for account in WITHOUT_RIGHTS),
        *((account, "get", "secrets", account.split(":")[0]) for account in WITHOUT_RIGHTS),
        *((account, "create", "pods", "mlb") for account in WITHOUT_RIGHTS),
    ],
)
def test_a_service_account_may_not(account: str, verb: str, what: str, where: str) -> None:
    resource, _, of = what.partition("/")
    assert not Namespace(where).can(account, verb, resource, of)


@pytest.mark.parametrize("account", [SCHEDULER, TRIGGERER, *WITHOUT_RIGHTS])
@pytest.mark.parametrize(
    "where", [SPARK, AIRFLOW, Namespace("default")], ids=lambda namespace: namespace.name
)
def test_a_service_account_has_these_rights_and_no_other(account: str, where: Namespace) -> None:
    launches = account in (SCHEDULER, TRIGGERER) and where == SPARK
    assert rights(account, where) == (OF_LAUNCHERS if launches else set())


def rights(account: str, where: Namespace) -> set[tuple[str, str, str]]:
    """Resource, its name if only one is meant, and verb of all that an account may do in a namespace."""
    question = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": where.name},
    }
    asked = ["create", "--validate=false", "-f", "-", "-o", "json", f"--as=system:serviceaccount:{account}"]
    rules = json.loads(where.kubectl(*asked, given=json.dumps(question)))["status"]["resourceRules"]
    return {
        (resource, name, verb)
        for rule in rules
        if not OF_EVERYBODY.issuperset(rule["apiGroups"])
        for resource in rule["resources"]
        for name in rule.get("resourceNames") or [""]
        for verb in rule["verbs"]
    }


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig with the token of Airflow's scheduler alone: the cluster as that account sees it."""
    config = json.loads(Namespace("default").kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    token = AIRFLOW.kubectl("create", "token", SCHEDULER.split(":")[1], "--duration=10m").strip()
    config["users"] = [{"name": "launcher", "user": {"token": token}}]
    config["contexts"][0]["context"]["user"] = "launcher"
    file = tmp_path_factory.mktemp("launcher") / "config"
    file.write_text(json.dumps(config))
    return file


def test_the_launchers_token_is_known_and_launches(launcher: Path) -> None:
    """Without this, a token that nobody knows would make all that follows succeed."""
    pod = json.dumps(pod_of("etl"))
    assert "created" in SPARK.kubectl("--kubeconfig", launcher, *TRIED, given=pod)


#: Creates without creating: all of admission, and nothing is written.
TRIED = ("create", "--dry-run=server", "-f", "-")


@pytest.mark.parametrize(
    ("namespace", "command"),
    [
        (SPARK, "get secrets"),
        (SPARK, "get secret mlb-pseudonym-key"),
        (SPARK, "get configmap spark-jobs-settings"),
        (AIRFLOW, "get secret airflow-keys"),
        (AIRFLOW, "get pods"),
        (AIRFLOW, f"run stranger --image={IMAGE} --dry-run=server"),
        (SPARK, "exec deploy/spark-jobs-metrics-exporter -- true"),
        (SPARK, "delete networkpolicy spark-jobs-default-deny --dry-run=server"),
        (SPARK, "delete resourcequota --all --dry-run=server"),
        (
            SPARK,
            "create rolebinding mine --clusterrole=admin --user=me --dry-run=server",
        ),
        (SPARK, "create token spark-jobs-driver"),
        (SPARK, "label namespace mlb pod-security.kubernetes.io/enforce- --dry-run=server"),
        (SPARK, "create namespace of-my-own --dry-run=server"),
        (SPARK, "get nodes"),
        (Namespace("kube-system"), "get pods"),
    ],
    ids=lambda value: value.name if isinstance(value, Namespace) else value,
)
def test_a_real_call_is_refused(launcher: Path, namespace: Namespace, command: str) -> None:
    said = namespace.kubectl("--kubeconfig", launcher, *command.split(), ok=False)
    assert "forbidden" in said.lower()


@pytest.mark.parametrize(
    "case", CHANGED_PODS, ids=lambda case: json.dumps(case.get("spec") or case.get("container"))
)
def test_a_changed_pod_is_refused_to_who_may_launch_pods(launcher: Path, case: dict[str, Any]) -> None:
    pod = pod_of("etl")
    pod["spec"] = merged(pod["spec"], case.get("spec", {}))
    pod["spec"]["containers"][0] = merged(pod["spec"]["containers"][0], case.get("container", {}))
    said = SPARK.kubectl(
        "--kubeconfig", launcher, *TRIED, "--validate=strict", given=json.dumps(pod), ok=False
    )
    assert case["refused"] in said


def pod_of(job: str) -> dict[str, Any]:
    """A job's pod as Airflow makes it from the chart's template."""
    template = SPARK.get("configmap", "spark-jobs-pod-templates")["data"][f"{job}.yaml"]
    pod = yaml.safe_load(template)
    pod["metadata"]["labels"] |= {"mlb/delivery-date": "2023-10-01", "mlb/run-id": "security"}
    return pod


def merged(whole: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386): None takes a key out."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(whole) if isinstance(whole, dict) else {}
    for key, value in patch.items():
        kept[key] = merged(kept.get(key), value)
    return {key: value for key, value in kept.items() if value is not None}


@pytest.mark.parametrize("namespace", [SPARK, AIRFLOW], ids=lambda namespace: namespace.name)
def test_only_who_launches_has_a_token_in_its_pod(namespace: Namespace) -> None:
    for pod in running(namespace):
        name = pod["metadata"]["name"]
        mounts = [
            mount["mountPath"] for c in pod["spec"]["containers"] for mount in c.get("volumeMounts", [])
        ]
        launches = pod["spec"]["serviceAccountName"] in ("airflow-scheduler", "airflow-triggerer")
        assert ("/var/run/secrets/kubernetes.io/serviceaccount" in mounts) == launches, name


def test_whoever_runs_in_a_pod_can_change_no_program() -> None:
    write = "touch /opt/airflow/dags/mine.py || touch /opt/venv/mine.py || touch /usr/bin/mine"
    said = AIRFLOW.kubectl(
        "exec", "deploy/airflow-scheduler", "-c", "scheduler", "--", "sh", "-c", write, ok=False
    )
    assert said.count("Read-only file system") == 3


def running(namespace: Namespace) -> list[dict[str, Any]]:
    """The pods that run and stay: not those of jobs, which end while a test looks at them."""
    pods = namespace.get("pods", "--field-selector=status.phase=Running")["items"]
    staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return [pod for pod in staying if pod["spec"]["restartPolicy"] == "Always"]


@pytest.fixture(scope="module")
def addresses() -> dict[str, str]:
    """The address of each component's pod, by the component's name."""
    pods = [*running(SPARK), *running(AIRFLOW)]
    return {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod["status"]["podIP"]
        for pod in pods
        if "app.kubernetes.io/component" in pod["metadata"]["labels"]
    }


@pytest.fixture(scope="module")
def strangers() -> Iterator[dict[str, Namespace]]:
    """A pod of nobody's in each of the two namespaces, and one in a third."""
    with new_namespace("mlb-outsider") as outside:
        pods = {"stranger-in-mlb": SPARK, "stranger-in-airflow": AIRFLOW, "outsider": outside}
        try:
            for name, namespace in pods.items():
                namespace.kubectl("create", "-f", "-", given=json.dumps(stranger(name)))
            for name, namespace in pods.items():
                namespace.kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=120s")
            yield pods
        finally:
            for name, namespace in pods.items():
                namespace.kubectl("delete", "pod", name, "--ignore-not-found")


def stranger(name: str) -> dict[str, Any]:
    """A pod that Pod Security admits and that belongs to no chart."""
    container = {
        "name": "tool",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": ["sleep", "infinity"],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


#: Ports of the components, by which the tests name them.
PORTS = {
    "postgresql": 5432,
    "api-server": 8080,
    "scheduler": 8793,
    "triggerer": 8794,
    "aws-local": 5000,
    "statsd-exporter": 9102,
    "metrics-exporter": 9464,
}
#: From whom to whom; `kubernetes` is the cluster's own API server.
ALLOWED = [
    ("scheduler", "postgresql"),
    ("scheduler", "api-server"),
    ("scheduler", "aws-local"),
    ("scheduler", "kubernetes"),
    ("triggerer", "kubernetes"),
    ("api-server", "scheduler"),
    ("metrics-exporter", "aws-local"),
    # Nobody but Prometheus reads these two, which is not here: that they answer at all is seen from within.
    ("metrics-exporter", "metrics-exporter"),
    ("statsd-exporter", "statsd-exporter"),
]
DENIED = [
    *(("stranger-in-mlb", to) for to in ("aws-local", "metrics-exporter", "postgresql", "kubernetes")),
    *(
        ("stranger-in-airflow", to)
        for to in ("aws-local", "postgresql", "api-server", "scheduler", "kubernetes")
    ),
    *(("outsider", to) for to in PORTS if to != "triggerer"),
    *(("metrics-exporter", to) for to in ("postgresql", "api-server", "scheduler", "kubernetes")),
    *(("dag-processor", to) for to in ("api-server", "scheduler", "metrics-exporter", "kubernetes")),
    *(("api-server", to) for to in ("metrics-exporter", "kubernetes")),
    *(("postgresql", to) for to in ("aws-local", "scheduler", "kubernetes")),
    *(("aws-local", to) for to in ("postgresql", "api-server", "kubernetes")),
    ("scheduler", "metrics-exporter"),
]


def test_pods_reach_only_what_they_need(
    addresses: dict[str, str], strangers: dict[str, Namespace], api_server: tuple[str, int]
) -> None:
    places = {name: (addresses[name], port) for name, port in PORTS.items() if name in addresses}
    places["kubernetes"] = api_server

    def reaches(connection: tuple[str, str]) -> bool:
        source, target = connection
        namespace, pod = pod_by_name(source, strangers)
        return namespace.reaches(pod, *places[target])

    def reached() -> list[tuple[str, str]]:
        found = zip(DENIED, several.map(reaches, DENIED), strict=True)
        return [connection for connection, open_ in found if open_]

    with ThreadPoolExecutor(8) as several:
        # A pod is open to all until the node has heard of the policies that select it.
        wait_until(lambda: not reached())
        for connection in ALLOWED:
            wait_until(lambda connection=connection: reaches(connection))
        assert reached() == []


def pod_by_name(name: str, strangers: dict[str, Namespace]) -> tuple[Namespace, str]:
    """Namespace and name (as `kubectl exec` takes it) of a stranger or of a component's pod."""
    if name in strangers:
        return strangers[name], f"pod/{name}"
    if name == "metrics-exporter":
        return SPARK, "deploy/spark-jobs-metrics-exporter"
    return AIRFLOW, "statefulset/airflow-postgresql" if name == "postgresql" else f"deploy/airflow-{name}"


def test_airflow_shows_nothing_to_who_is_not_logged_in() -> None:
    with platform.forwarded(AIRFLOW.name, "service/airflow-api-server", 8080) as port:
        for path in ("dags", "connections", "variables", "config", "pools"):
            assert answer(f"http://127.0.0.1:{port}/api/v2/{path}") == 401, path
        assert answer(f"http://127.0.0.1:{port}/api/v2/version") == 200


def answer(url: str) -> int:
    """The status with which a server answers a call without credentials."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
