"""The dashboards: made from their code, whole, about metrics that there are, and no panel is empty."""

import json
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from metrics_exporter.catalogue import METRICS
from observability import files, kube_state_metrics
from observability.rules import GROUPS
from tests.observability import samples
from tests.observability.servers import ROOT, prometheus_of, read, shown
from tests.waiting import wait_until

PATHS = [ROOT / path for path in files.files() if path.endswith(".json")]
BOARDS = {path.stem: json.loads(path.read_text()) for path in PATHS}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
#: What Grafana puts in for variables before it asks Prometheus.
VARIABLES = {"$namespace": "mlb", "$__rate_interval": "1m"}
_NAME = re.compile(r"\b((?:mlb|airflow|kube|statsd_exporter)_[a-z0-9_]+)\b(?:{([^}]*)})?")


@pytest.mark.parametrize("path", files.files())
def test_what_is_shipped_is_made_from_the_code(path: str) -> None:
    assert (ROOT / path).read_text() == files.files()[path], "run `make dashboards`"


@pytest.mark.parametrize("name", BOARDS)
def test_grafanas_schema_knows_every_key(name: str) -> None:
    """Read into Grafana's own types and written again, nothing is lost and nothing is added."""
    read_again = Dashboard.from_json(BOARDS[name])
    assert json.loads(json.dumps(read_again, cls=JSONEncoder)) == BOARDS[name]


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_says_what_it_shows_and_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["title"] and panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    defaults = panel["fieldConfig"]["defaults"]
    units = [
        each for o in panel["fieldConfig"]["overrides"] for each in o["properties"] if each["id"] == "unit"
    ]
    assert defaults.get("unit") or len(units) == len(panel["targets"])
    for transformation in panel.get("transformations", []):
        assert transformation.keys() == {"id", "options"}
    if panel["type"] == "stat":
        assert len(defaults["thresholds"]["steps"]) >= 1


def test_panels_do_not_lie_over_each_other() -> None:
    for name, board in BOARDS.items():
        taken = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken and place["x"] + place["w"] <= 24, f"{name}: {panel['title']}"
            taken |= cells


def test_a_failed_run_leads_to_its_log_and_its_command() -> None:
    (panel,) = [p for p in BOARDS["pipeline-health"]["panels"] if p["title"].startswith("Failed pods")]
    assert "kubectl -n $namespace logs $1" in panel["targets"][0]["expr"]
    links = [
        p["value"] for o in panel["fieldConfig"]["overrides"] for p in o["properties"] if p["id"] == "links"
    ]
    assert links[0][0]["url"] == "${__value.raw}"


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression of dashboards and rules, with where it is."""
    for name, board in BOARDS.items():
        for panel in board["panels"]:
            for target in panel.get("targets") or []:
                yield f"{name}: {panel['title']}", target["expr"]
    for group in GROUPS:
        for rule in group.rules:
            yield rule.name, rule.expr


def exported(text: str) -> dict[str, set[str]]:
    """Names of metrics in an exporter's answer, with their labels."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if match := re.match(r"(\w+)(?:{([^}]*)})? ", line):
            found.setdefault(match[1], set()).update(re.findall(r'(\w+)="', match[2] or ""))
    return found


def test_every_name_is_in_a_catalogue_with_the_labels_that_are_used(airflow_metrics: str) -> None:
    """The pipeline's names are the catalogue's, Airflow's those that the exporter shows after a run."""
    known = {metric.name: set(metric.labels) for metric in METRICS}
    known |= {name: set(labels) for name, labels in kube_state_metrics.METRICS.items()}
    known |= exported(read(airflow_metrics))
    for where, expression in expressions():
        used = _NAME.findall(re.sub(r"(by|on|group_left) \([^)]*\)", "", expression))
        assert used, where
        for name, selector in used:
            assert name in known, f"{where}: there is no metric {name}"
            labels = set(re.findall(r"(\w+) *(?:=~|!~|!=|=)", selector))
            assert labels <= known[name], f"{where}: {name} has no label {labels - known[name]}"
        # Those of the pod that is scraped, which Prometheus adds.
        of_targets = {"instance", "namespace", "pod"}
        every_label = set().union(*(known[name] for name, _ in used)) | of_targets
        grouped = re.findall(r"(?:by|on|group_left) \(([^)]*)\)", expression)
        named = {label.strip() for each in grouped for label in each.split(",") if label.strip()}
        assert named <= every_label, f"{where}: no metric of it has {named - every_label}"


@pytest.fixture(scope="module")
def prometheus(airflow_metrics: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that reads the StatsD exporter, and what a run on a cluster leaves behind."""
    with shown(samples.exposition) as page:
        targets = [urllib.parse.urlparse(airflow_metrics).netloc, page]
        with prometheus_of(tmp_path_factory.mktemp("prometheus"), targets) as url:
            yield url


@pytest.mark.parametrize("panel", PANELS)
def test_no_panel_is_empty_after_a_run(panel: dict[str, Any], prometheus: str) -> None:
    for target in panel["targets"]:
        wait_until(lambda target=target: answer(prometheus, target), 20, target["expr"])


def answer(prometheus: str, target: dict[str, Any]) -> list[Any]:
    """What Prometheus answers a panel's query; one that it does not understand is an error at once."""
    expression = target["expr"]
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    query = urllib.parse.urlencode({"query": expression})
    answered = json.loads(read(f"{prometheus}/api/v1/query?{query}"))
    assert answered["status"] == "success", answered
    return answered["data"]["result"]
