"""What is written from the code of dashboards and rules, and where: these files are made, not edited."""

import json
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from observability import rules
from observability.dashboards import data_quality, pipeline_health, spark_on_kubernetes

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made by `make dashboards` from observability/rules.py: change that.\n"
#: A chart → its dashboards by file name.
DASHBOARDS = {
    "airflow": {"pipeline-health": pipeline_health},
    "spark-jobs": {"data-quality": data_quality, "spark-on-kubernetes": spark_on_kubernetes},
}


def files() -> dict[str, str]:
    """Every file's place, from the root of the tree, and its text."""
    made = {}
    for chart, modules in DASHBOARDS.items():
        for name, module in modules.items():
            made[f"helm/{chart}/files/dashboards/{name}.json"] = as_json(module.dashboard())
        groups = [group for group in rules.GROUPS if group.chart == chart]
        text = as_rule_file(groups)
        made[f"helm/{chart}/files/alerts.yaml"] = (
            HEADER + "# The chart puts its values in for @name@.\n" + text
        )
        made[f"observability/rules/{chart}.yml"] = HEADER + with_defaults(text, groups)
    return made


def as_json(dashboard: Dashboard) -> str:
    """A dashboard as Grafana imports it."""
    return json.dumps(dashboard, cls=JSONEncoder, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def as_rule_file(groups: list[rules.Group]) -> str:
    """Groups as one file of Prometheus's."""
    whole: dict[str, Any] = {"groups": [each for group in groups for each in group.as_file()["groups"]]}
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=110)


def with_defaults(text: str, groups: list[rules.Group]) -> str:
    """A rule file with the groups' defaults put in for `@name@`."""
    for group in groups:
        for name, value in group.defaults.items():
            text = text.replace(f"@{name}@", value)
    return text
