"""helm/airflow: what one rendering alone cannot show."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.test_charts import run

HELM = Path(__file__).parents[2] / "helm"
CHART = HELM / "airflow"
EXAMPLES = ["values-local.yaml", "values-eks.yaml"]


def objects(example: str, *options: str, chart: Path = CHART) -> list[dict[str, Any]]:
    """The objects of a chart, rendered as the release and in the namespace of its name."""
    name = chart.name
    text = run("helm", "template", name, chart, "-n", name, "-f", chart / example, *options)
    return [each for each in yaml.safe_load_all(text) if each]


def named(kind: str, manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}


def pod_specs(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        f"{each['kind']} {each['metadata']['name']}": each["spec"]["template"]["spec"]
        for each in manifests
        if each["kind"] in ("Deployment", "StatefulSet", "Job")
    }


def test_a_changed_configuration_starts_all_of_airflow_anew() -> None:
    before = named("Deployment", objects("values-eks.yaml"))
    after = named("Deployment", objects("values-eks.yaml", "--set", "pipeline.slaSeconds=60"))
    # The exporter of metrics knows nothing of it.
    assert before.pop("airflow-statsd-exporter")
    assert len(before) == 4
    for name, deployment in before.items():
        checksums = [
            each["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
            for each in (deployment, after[name])
        ]
        assert checksums[0] != checksums[1], name


def test_a_changed_image_migrates_and_an_unchanged_one_does_not() -> None:
    """For Argo CD: every rendering is revision 1, and a Job whose contents change cannot keep its name."""
    before = named("Job", objects("values-eks.yaml"))
    assert before.keys() == named("Job", objects("values-eks.yaml")).keys()
    after = named("Job", objects("values-eks.yaml", "--set", "image.digest=sha256:" + "1" * 64))
    assert len(before) == len(after) == 2
    assert not before.keys() & after.keys()


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_container_has_requests_and_a_limit_of_memory(example: str) -> None:
    for where, spec in pod_specs(objects(example)).items():
        for container in spec.get("initContainers", []) + spec["containers"]:
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys(), where
            assert "memory" in resources["limits"], where
            assert "cpu" not in resources["limits"], where


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_pod_is_let_through_by_a_policy_of_its_own(example: str) -> None:
    """Under a default deny, a pod without one reaches nothing, not even its database."""
    manifests = objects(example)
    policies = [each["spec"]["podSelector"] for each in named("NetworkPolicy", manifests).values()]
    kinds = ("Deployment", "StatefulSet", "Job")
    templates = [each["spec"]["template"] for each in manifests if each["kind"] in kinds]
    assert templates
    for template in templates:
        labels = template["metadata"]["labels"].items()
        assert any(
            policy.get("matchLabels") and policy["matchLabels"].items() <= labels for policy in policies
        ), template["metadata"]["labels"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_only_who_launches_pods_has_a_token(example: str) -> None:
    specs = pod_specs(objects(example))
    with_token = {where for where, spec in specs.items() if spec["automountServiceAccountToken"]}
    assert with_token == {"Deployment airflow-scheduler", "Deployment airflow-triggerer"}


def test_no_secret_stands_anywhere_but_in_secrets() -> None:
    manifests = objects("values-local.yaml")
    secrets = named("Secret", manifests)
    assert secrets.keys() == {"airflow-keys", "airflow-admin", "airflow-postgresql", "airflow-aws-local"}
    others = json.dumps([each for each in manifests if each["kind"] != "Secret"])
    for name, secret in secrets.items():
        for key, value in secret["data"].items():
            assert value not in others, f"{name}: {key}"


def test_with_secrets_of_ones_own_none_is_in_the_release() -> None:
    """What a chart renders is what `helm get manifest` shows."""
    assert named("Secret", objects("values-eks.yaml")) == {}
    assert named("Secret", objects("values-eks.yaml", chart=HELM / "spark-jobs")) == {}
    parts = ("keys", "adminUser", "postgresql", "awsLocal")
    named_by_hand = ",".join(f"{part}.secretName=my-{part.lower()}" for part in parts)
    manifests = objects("values-local.yaml", "--set", named_by_hand)
    assert named("Secret", manifests) == {}
    told = json.dumps(manifests)
    assert [part for part in parts if f'"my-{part.lower()}"' not in told] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_jobs_chart_lets_these_service_accounts_launch(example: str) -> None:
    """The Role is helm/spark-jobs' own: both charts have to speak of the same accounts and places."""
    airflow = objects(example)
    jobs = objects(example, chart=HELM / "spark-jobs")
    bindings = named("RoleBinding", jobs)
    launchers = {
        (subject["name"], subject["namespace"]) for subject in bindings["spark-jobs-launcher"]["subjects"]
    }
    tokens = {
        (spec["serviceAccountName"], "airflow")
        for spec in pod_specs(airflow).values()
        if spec["automountServiceAccountToken"]
    }
    assert tokens == launchers
    settings = named("ConfigMap", airflow)["airflow-settings"]["data"]
    assert settings["MLB_LANDING"] == named("ConfigMap", jobs)["spark-jobs-settings"]["data"]["MLB_LANDING"]
    assert f"{settings['MLB_SPARK_RELEASE']}-pod-templates" in named("ConfigMap", jobs)


def test_the_official_charts_values_say_the_same_as_this_chart() -> None:
    official = yaml.safe_load((HELM / "airflow-official-values.yaml").read_text())
    ours = named("ConfigMap", objects("values-eks.yaml"))["airflow-settings"]["data"]
    told = {each["name"]: each["value"] for each in official["env"]}
    told |= {
        f"AIRFLOW__{section}__{key}".upper(): value
        for section, options in official["config"].items()
        for key, value in options.items()
    }
    # The examples differ in size and in how they verify the database; metrics are the official chart's own.
    own = {"AIRFLOW__CORE__PARALLELISM", "PGSSLMODE"}
    own |= {name for name in told if name.startswith("AIRFLOW__METRICS__")}
    assert {name: value for name, value in told.items() if name not in own} == {
        name: ours[name] for name in told.keys() - own
    }
    assert {name for name in ours if name.startswith("MLB_")} <= told.keys()
    subjects = {
        (official[each]["serviceAccount"]["name"], "airflow") for each in ("scheduler", "triggerer")
    }
    bindings = named("RoleBinding", objects("values-eks.yaml", chart=HELM / "spark-jobs"))
    assert subjects == {
        (subject["name"], subject["namespace"]) for subject in bindings["spark-jobs-launcher"]["subjects"]
    }
