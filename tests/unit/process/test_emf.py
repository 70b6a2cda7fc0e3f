"""The line of CloudWatch's embedded metric format: valid, the ledger's figures, no person."""

import datetime as dt
import json
from typing import Any

import jsonschema
import pytest

from metrics_exporter.catalogue import MEASURES
from spark_jobs.cli.options import tell
from spark_jobs.ledger import Run
from spark_jobs.process.emf import emf_line

#: As Amazon publishes it with the format's specification.
_TEXT = {"type": "string", "minLength": 1, "maxLength": 1024}
_NAMES = {"type": "array", "items": {**_TEXT, "maxLength": 250}, "minItems": 1, "maxItems": 30}
_METRIC = {
    "type": "object",
    "required": ["Name"],
    "properties": {"Name": _TEXT, "Unit": {"type": "string"}},
}
_DIRECTIVE = {
    "type": "object",
    "required": ["Namespace", "Dimensions", "Metrics"],
    "properties": {
        "Namespace": _TEXT,
        "Dimensions": {"type": "array", "minItems": 1, "items": _NAMES},
        "Metrics": {"type": "array", "maxItems": 100, "items": _METRIC},
    },
}
SCHEMA = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer"},
                "CloudWatchMetrics": {"type": "array", "items": _DIRECTIVE},
            },
        }
    },
}
UNITS = {"Seconds", "Bytes", "Count", "None"}


def finished(**given: Any) -> Run:
    at = dt.datetime(2023, 10, 2, 5, tzinfo=dt.UTC)
    run = Run("etl", "employees", "1.0.0", dt.date(2023, 10, 1), at, **given)
    run.finish(0)
    run.finished_at = at + dt.timedelta(seconds=20)
    return run


@pytest.fixture
def line() -> dict[str, Any]:
    run = finished(
        rows={"rows_in": 10, "quarantined": 2, "silver/employees added": 3},
        stages={"judge": 1.5},
        measures={name: 7.0 for name in MEASURES},
        notes=["jeterde01 is in the quarantine."],
    )
    return json.loads(emf_line(run))


def test_a_line_is_valid_and_every_metric_of_it_is_a_number(line: dict[str, Any]) -> None:
    jsonschema.validate(line, SCHEMA)
    directive = line["_aws"]["CloudWatchMetrics"][0]
    assert line["_aws"]["Timestamp"] == 1696222820000
    assert [[line[name] for name in names] for names in directive["Dimensions"]] == [["etl"]]
    for metric in directive["Metrics"]:
        assert isinstance(line[metric["Name"]], int | float)
        assert metric["Unit"] in UNITS


def test_it_says_what_the_ledger_says(line: dict[str, Any]) -> None:
    assert line["mlb_run_seconds"] == 20
    assert (line["mlb_runs_succeeded"], line["mlb_runs_failed"]) == (1, 0)
    assert line["mlb_rows_quarantined"] == 2
    assert line["mlb_quarantine_ratio"] == 0.2
    assert line["mlb_stage_judge_seconds"] == 1.5
    assert {f"mlb_run_{name}" for name in MEASURES} <= set(line)


def test_no_text_and_no_single_table_is_in_it(line: dict[str, Any]) -> None:
    assert "jeterde01" not in json.dumps(line)
    assert not [name for name in line if "/" in name]


def test_a_run_is_told_to_cloudwatch_only_where_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    tell(finished())
    assert not capsys.readouterr().out
    tell(finished(), "emf")
    jsonschema.validate(json.loads(capsys.readouterr().out), SCHEMA)
