"""No secret of the deployed platform stands where people look: releases, objects, logs, Airflow's pages.

What is looked for are the values of all Secrets of both namespaces, as they are and in the forms in which
they travel. `make image-secrets` looks into the images.
"""

import base64
import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from deploy.airflow_api import Airflow
from tests.e2e.cluster import Namespace, helm, run
from tests.e2e.deployed import AIRFLOW, PIPELINE, SPARK, client

NAMESPACES = [SPARK, AIRFLOW]
RELEASES = [("spark-jobs", SPARK), ("airflow", AIRFLOW)]
#: Shorter values, such as the name `local` of an access key, are words and no secrets.
SHORTEST = 12


@pytest.fixture(scope="module")
def secrets() -> dict[str, set[str]]:
    """Each secret value's forms, by where it is kept."""
    found = {}
    for namespace in NAMESPACES:
        for secret in namespace.get("secrets")["items"]:
            if not secret["type"].startswith("helm.sh/"):
                for key, encoded in secret["data"].items():
                    value = base64.b64decode(encoded).decode()
                    if len(value) >= SHORTEST:
                        where = f"{namespace.name}/{secret['metadata']['name']}/{key}"
                        found[where] = {value, encoded, quote(value, safe=""), json.dumps(value)[1:-1]}
    assert {where.split("/")[0] for where in found} == {"mlb", "airflow"}
    return found


def shown(text: str, secrets: dict[str, set[str]]) -> set[str]:
    """Which secrets a text tells."""
    return {where for where, forms in secrets.items() if any(form in text for form in forms)}


def test_a_secret_would_be_found(secrets: dict[str, set[str]]) -> None:
    told = AIRFLOW.kubectl("get", "secrets", "-o", "yaml")
    assert shown(told, secrets) >= {where for where in secrets if where.startswith("airflow/")}


@pytest.mark.parametrize(("release", "namespace"), RELEASES, ids=lambda value: str(value))
def test_helm_tells_none(release: str, namespace: Namespace, secrets: dict[str, set[str]]) -> None:
    for what in ("all", "values"):
        every = ("--all",) if what == "values" else ()
        assert shown(helm("get", what, release, "-n", namespace.name, *every), secrets) == set()


@pytest.mark.parametrize("namespace", NAMESPACES, ids=lambda namespace: namespace.name)
def test_no_object_but_secrets_holds_one(namespace: Namespace, secrets: dict[str, set[str]]) -> None:
    """Pods, what they are made from, their configuration, events."""
    listed = run("kubectl", "api-resources", "--namespaced", "--verbs=list", "-o", "name").split()
    kinds = ",".join(kind for kind in listed if kind != "secrets")
    objects = namespace.kubectl("get", kinds, "-o", "json", "--ignore-not-found", "--show-managed-fields")
    assert '"kind": "Pod"' in objects
    assert shown(objects, secrets) == set()


@pytest.mark.parametrize("namespace", NAMESPACES, ids=lambda namespace: namespace.name)
def test_no_pods_log_tells_one(namespace: Namespace, secrets: dict[str, set[str]]) -> None:
    for pod in namespace.get("pods")["items"]:
        if pod["status"]["phase"] != "Pending":
            name = pod["metadata"]["name"]
            assert shown(namespace.kubectl("logs", name, "--all-containers"), secrets) == set(), name


def test_no_stored_log_of_a_task_tells_one(aws: str, secrets: dict[str, set[str]]) -> None:
    s3 = client("s3", aws)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="airflow-logs")
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    assert keys
    for key in keys:
        text = s3.get_object(Bucket="airflow-logs", Key=key)["Body"].read().decode()
        assert shown(text, secrets) == set(), key


def test_no_page_of_airflow_tells_one(api: Airflow, secrets: dict[str, set[str]]) -> None:
    """To an administrator, who may see more than anybody else."""
    seen = {address: answer_of(api, address) for address in addresses(api)}
    answered = [address for address, text in seen.items() if not text.startswith("GET ")]
    assert len(answered) > 50, sorted(seen.keys() - answered)
    assert {address: found for address, text in seen.items() if (found := shown(text, secrets))} == {}
    # The configuration holds keys, so that nobody sees it.
    with pytest.raises(RuntimeError, match="403"):
        api.call("GET", "/api/v2/config")


def addresses(api: Airflow) -> set[str]:
    """Every address of the API that is read, for a run of the pipeline that has ended and its tasks."""
    left_out = ("/wait", "/auth/login", "/auth/logout", "/config", "/enqueue-test")
    paths: dict[str, Any] = api.call("GET", "/openapi.json")["paths"]
    read = [path for path, methods in paths.items() if "get" in methods and not path.endswith(left_out)]
    run_id = next(run["dag_run_id"] for run in api.runs(PIPELINE) if run["state"] == "success")
    filled = {
        filled_in(path, run_id, task["task_id"], max(task["try_number"], 1))
        for task in api.tasks(PIPELINE, run_id)
        for path in read
    }
    return {address for address in filled if "{" not in address}


def filled_in(path: str, run_id: str, task: str, number: int) -> str:
    """A path with the names that it asks for; the others stay as they are."""
    known = {
        "dag_id": PIPELINE,
        "dag_run_id": quote(run_id, safe=""),
        "task_id": task,
        "map_index": "-1",
        "try_number": str(number),
        "xcom_key": "return_value",
        "connection_id": "aws_default",
        "pool_name": "spark_jobs",
        "version_number": "1",
    }
    return re.sub(r"{(\w+)}", lambda name: known.get(name[1], name[0]), path)


def answer_of(api: Airflow, address: str) -> str:
    """What Airflow says at an address, or how it refuses."""
    try:
        return json.dumps(api.call("GET", address))
    except RuntimeError as refused:
        return str(refused)
