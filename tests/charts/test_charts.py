"""The Helm charts: lint, their own unit tests, Kubernetes' schemas, and a README that is up to date."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tools.chart_tools import KUBERNETES, SCHEMA_NAME, tools

CHARTS = sorted(file.parent for file in (Path(__file__).parents[2] / "helm").glob("*/Chart.yaml"))
EXAMPLES = sorted(file for chart in CHARTS for file in chart.glob("values-*.yaml"))


def run(tool: str, *arguments: str | Path, given: str | None = None) -> str:
    """What a tool prints; fails with what it says where it fails."""
    command = [str(tools() / tool), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, input=given)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def conform(manifests: str) -> None:
    """Assert that manifests are what Kubernetes' schemas allow, without a key too many."""
    schemas = tools() / "schemas" / SCHEMA_NAME
    run(
        "kubeconform",
        "-strict",
        # Kinds of the Prometheus Operator are not in Kubernetes' schemas; promtool reads the rules.
        *("-skip", "PrometheusRule,ServiceMonitor"),
        "-kubernetes-version",
        KUBERNETES,
        "-schema-location",
        schemas,
        given=manifests,
    )


def rendered(example: Path) -> str:
    return run("helm", "template", example.parent.name, example.parent, "-n", "charts", "-f", example)


def name_of(path: Path) -> str:
    return path.name if path.is_dir() else f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_every_example_of_values_passes_lint_and_kubernetes_schemas(example: Path) -> None:
    run("helm", "lint", "--strict", "--quiet", example.parent, "-f", example)
    conform(rendered(example))


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_pods_inside_of_configmaps_conform_too(example: Path) -> None:
    maps = [d for d in yaml.safe_load_all(rendered(example)) if d and d["kind"] == "ConfigMap"]
    pods = [text for each in maps for name, text in each["data"].items() if name.endswith(".yaml")]
    assert pods or example.parent.name != "spark-jobs"
    conform("\n---\n".join(pods))


@pytest.mark.parametrize("chart", CHARTS, ids=name_of)
def test_the_charts_unit_tests_pass(chart: Path) -> None:
    print(run("helm-unittest", "--file", "tests/**/*_test.yaml", chart))


@pytest.mark.parametrize("chart", CHARTS, ids=name_of)
def test_every_template_has_its_twin(chart: Path) -> None:
    templates = {file.relative_to(chart / "templates") for file in (chart / "templates").rglob("*.yaml")}
    twins = {file.relative_to(chart / "tests") for file in (chart / "tests").rglob("*_test.yaml")}
    assert {template.with_name(f"{template.stem}_test.yaml") for template in templates} == twins


@pytest.mark.parametrize("chart", CHARTS, ids=name_of)
def test_the_readme_is_made_from_the_values(chart: Path) -> None:
    made = run("helm-docs", "--chart-search-root", chart, "--sort-values-order", "file", "--dry-run")
    assert made.strip() == (chart / "README.md").read_text().strip(), "run `make charts-docs`"


@pytest.mark.parametrize("chart", CHARTS, ids=name_of)
def test_every_value_is_told_of(chart: Path) -> None:
    readme = (chart / "README.md").read_text()
    assert "|  |\n" not in readme, "a value in values.yaml has no comment that begins with `# --`"


@pytest.mark.parametrize("chart", CHARTS, ids=name_of)
def test_names_and_labels_come_from_helpers(chart: Path) -> None:
    for file in (chart / "templates").rglob("*.yaml"):
        text = file.read_text()
        assert "app.kubernetes.io/" not in text, f"{file}: labels come from a helper"
        assert ".Release.Name " not in text, f"{file}: names come from a helper"
