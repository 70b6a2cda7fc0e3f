"""helm upgrade with changed values, and helm uninstall: what stays, and what does not."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from deploy import __main__ as platform
from tests.e2e.cluster import ROOT, Namespace, helm, new_namespace, run
from tests.e2e.deployed import AIRFLOW, PIPELINE, alerts, run_ended
from tests.waiting import wait_until

CHART = ROOT / "helm" / "airflow"
MAINTENANCE = "mlb_employee_maintenance"
#: What Kubernetes keeps in each namespace by itself.
OF_KUBERNETES = {"configmap/kube-root-ca.crt", "serviceaccount/default"}
#: What the chart's notes say that uninstalling leaves.
KEPT = {"secret", "persistentvolumeclaim"}


def _kept() -> tuple[list[str], dict[str, dict[str, str]]]:
    """The pipeline's runs, and all secrets of Airflow's namespace that are not Helm's own."""
    with platform.airflow() as api:
        runs = sorted(dag_run["dag_run_id"] for dag_run in api.runs(PIPELINE))
    secrets = [item for item in AIRFLOW.get("secrets")["items"] if not item["type"].startswith("helm.sh/")]
    return runs, {item["metadata"]["name"]: item["data"] for item in secrets}


def _upgrade(*values: str) -> None:
    chosen = [option for value in values for option in ("--set", value)]
    kept = ("--reuse-values", "--wait", "--timeout", "8m")
    helm("upgrade", "airflow", CHART, "-n", AIRFLOW.name, *kept, *chosen)


@pytest.fixture(scope="module")
def upgraded() -> Iterator[tuple[Any, Any]]:
    """What was kept before and after an upgrade to an SLA of five seconds, in force for the tests."""
    before = _kept()
    _upgrade("pipeline.slaSeconds=5")
    try:
        yield before, _kept()
    finally:
        _upgrade("pipeline.slaSeconds=7200")


def test_an_upgrade_loses_neither_history_nor_secrets(upgraded: tuple[Any, Any]) -> None:
    before, after = upgraded
    assert after == before
    assert before[0] and before[1]


def test_a_task_over_its_sla_is_told_once_and_succeeds(upgraded: tuple[Any, Any], aws: str) -> None:
    alerts(aws)
    with platform.airflow() as api:
        api.unpause(MAINTENANCE)
        run_id = api.trigger(MAINTENANCE)
        assert run_ended(api, MAINTENANCE, run_id) == "success"
        assert api.result(MAINTENANCE, run_id, "maintain")["outcome"] == "succeeded"
    received = [alert for alert in alerts(aws) if run_id in alert["Message"]]
    assert [alert["Subject"] for alert in received] == [f"SLA BREACHED: {MAINTENANCE}.maintain"]
    assert "longer than 0:00:05 since its first start" in received[0]["Message"]
    assert "kubectl" in received[0]["Message"]


def test_uninstall_leaves_what_it_says_and_its_command_removes_that() -> None:
    """Not waited for: what is left does not depend on whether Airflow has come up."""
    with new_namespace("airflow-uninstalled") as namespace:
        where = ("-n", namespace.name)
        chosen = ("-f", CHART / "values-local.yaml", "--set", "keepOnUninstall=true")
        said = helm("install", "short", CHART, *where, *chosen)
        wait_until(lambda: bool(namespace.get("pvc")["items"]))
        helm("uninstall", "short", *where)

        wait_until(lambda: {name.split("/")[0] for name in _all_of(namespace)} == KEPT, 180)
        assert "secret/short-airflow-keys" in _all_of(namespace)
        told = next(line for line in said.splitlines() if "delete secret,pvc" in line)
        run(*told.split())
        wait_until(lambda: not _all_of(namespace), 180)


def _all_of(namespace: Namespace) -> set[str]:
    """Every object of a namespace but events and what Kubernetes itself keeps there."""
    kinds = run("kubectl", "api-resources", "--namespaced", "--verbs=list", "-o", "name").split()
    asked = ",".join(kind for kind in kinds if not kind.startswith("events"))
    command = ["kubectl", "-n", namespace.name, "get", asked, "-o", "name", "--ignore-not-found"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {name for name in listed if name not in OF_KUBERNETES}
