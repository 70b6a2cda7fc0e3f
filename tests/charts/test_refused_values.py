"""Values that would weaken a deployment are refused by the schemas: refused_values.yaml has them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.chart_tools import tools

HELM = Path(__file__).parents[2] / "helm"
CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("refused_values.yaml").read_text())


def said(chart: str, values: dict[str, Any]) -> tuple[int, str]:
    """How rendering a chart ends with these values over its local example, and what helm says."""
    folder = HELM / chart
    command = [tools() / "helm", "template", chart, folder, "-f", folder / "values-local.yaml", "-f", "-"]
    done = subprocess.run(command, capture_output=True, text=True, input=json.dumps(values))
    return done.returncode, done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['chart']} {json.dumps(case['set'])}")
def test_it_is_refused_where_it_stands(case: dict[str, Any]) -> None:
    code, message = said(case["chart"], case["set"])
    assert code
    assert "values don't meet the specifications of the schema" in message
    assert case["refused"] in message


@pytest.mark.parametrize("chart", ["spark-jobs", "airflow"])
def test_the_example_that_the_cases_change_is_accepted(chart: str) -> None:
    assert said(chart, {}) == (0, "")
