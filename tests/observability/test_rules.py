"""Every alert rule fires when it should, says what it should, and is quiet before; by promtool."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.rules import GROUPS
from tests.charts.test_charts import run as run_chart_tool
from tests.observability.servers import ROOT
from tools.observability_tools import program

FILES = sorted((ROOT / "observability" / "rules").glob("*.yml"))
RULES = {rule.name: rule for group in GROUPS for rule in group.rules}
PLATFORM = {"platform": "mlb-employee-data"}
POD = 'namespace="mlb", pod="spark-jobs-etl-1"'


@dataclass(frozen=True)
class Case:
    """Series (promtool's notation), minutes at which an alert is quiet, and one at which it fires."""

    alert: str
    series: dict[str, str]
    quiet: tuple[int, ...]
    fires: int | None = None
    summary: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    #: Minutes between two values of a series: 10 where days go by.
    step: int = 1


def heartbeats(alert: str, process: str, summary: str) -> list[Case]:
    name = f"airflow_{process}_heartbeat_total"
    return [
        # Twelve a minute for an hour, then none.
        Case(alert, {name: "0+12x60 720x30"}, (60, 69), 71, summary),
        Case(alert, {"up": "1x10"}, (4,), 6, summary),
        # The exporter starts anew and hears it again.
        Case(alert, {name: "0+12x60 0+12x30"}, (70, 85)),
    ]


NO_SUCCESS = "No run of the pipeline has succeeded for 26 hours"
LAST_SUCCESS = 'mlb_last_success_timestamp_seconds{mlb_job="aggregate"}'
LATE = {
    f"kube_pod_start_time{{{POD}}}": "0x200",
    f'kube_pod_status_phase{{{POD}, phase="Running"}}': "1x200",
    f'kube_pod_labels{{{POD}, label_app_kubernetes_io_component="driver", '
    'label_mlb_job="etl", label_mlb_delivery_date="2023-10-01"}': "1x200",
}
OUT_OF_MEMORY = (
    f'kube_pod_container_status_terminated_reason{{{POD}, container="spark", reason="OOMKilled"}}'
)
BEFORE = OUT_OF_MEMORY.replace("status_terminated", "status_last_terminated")
RESTARTS = f'kube_pod_container_status_restarts_total{{{POD}, container="spark"}}'
NO_IMAGE = (
    f'kube_pod_container_status_waiting_reason{{{POD}, container="spark", reason="ImagePullBackOff"}}'
)
QUOTA = 'namespace="mlb", resourcequota="q", resource="pods"'
ONE_POD = {"namespace": "mlb", "pod": "spark-jobs-etl-1"}
CONTAINER = {**ONE_POD, "container": "spark"}
KILLED = "spark-jobs-etl-1 was killed: it took more memory than its limit"
CASES = [
    *heartbeats("MlbSchedulerDown", "scheduler", "Airflow's scheduler gives no sign of life"),
    *heartbeats("MlbTriggererDown", "triggerer", "Airflow's triggerer gives no sign of life"),
    *heartbeats("MlbDagProcessorDown", "dag_processor", "Airflow's dag-processor gives no sign of life"),
    Case(
        "MlbDagImportErrors",
        {"airflow_dag_import_errors": "0x9 2x30"},
        (9, 19),
        21,
        "2 DAG files cannot be read",
    ),
    Case(
        "MlbAirflowMetricsLost",
        {'statsd_exporter_udp_packet_drops_total{instance="a"}': "0x10 5x40"},
        (10, 15),
        17,
        "Airflow's metrics get lost in the StatsD exporter",
        {"instance": "a"},
    ),
    Case(
        "MlbAirflowMetricsLost",
        {'statsd_exporter_sample_errors_total{instance="a", reason="malformed_line"}': "_x10 1x40"},
        (14, 45),
        17,
        "Airflow's metrics get lost in the StatsD exporter",
        {"instance": "a"},
    ),
    # The last success at 0:00; a night later one more.
    Case("MlbNoSuccessfulRun", {LAST_SUCCESS: "0x200"}, (1500, 1570), 1580, NO_SUCCESS, step=10),
    Case("MlbNoSuccessfulRun", {LAST_SUCCESS: "0x146 88200x100"}, (1580, 2000), step=10),
    # Nothing has ever succeeded: told a day after the exporter came, not at once.
    Case(
        "MlbNoSuccessfulRun",
        {"mlb_lake_up": "1x200"},
        (30, 1560),
        1570,
        NO_SUCCESS,
        {"mlb_job": "aggregate"},
        step=10,
    ),
    Case(
        "MlbGoldStale",
        {"mlb_gold_newest_delivery_timestamp_seconds": "0x400"},
        (2880, 3260),
        3270,
        "The newest day in Gold is 2d 6h 30m 0s old",
        step=10,
    ),
    Case(
        "MlbTaskOverSla",
        LATE,
        (119, 121),
        123,
        "etl has been running for 2h 3m 0s",
        {**ONE_POD, "label_mlb_job": "etl", "label_mlb_delivery_date": "2023-10-01"},
    ),
    # It has ended in time, and its pod is kept.
    Case(
        "MlbTaskOverSla",
        {**LATE, f'kube_pod_status_phase{{{POD}, phase="Running"}}': "1x60 0x140"},
        (123, 180),
    ),
    # The History Server runs for ever.
    Case(
        "MlbTaskOverSla",
        {name.replace('"driver"', '"history-server"'): row for name, row in LATE.items()},
        (180,),
    ),
    Case(
        "MlbDeliveryUnusual",
        {'mlb_delivery_unusual_figures{delivery="2023-10-01"}': "0x20 1x400"},
        (200, 1660),
        220,
        "The delivery 2023-10-01 is unlike those before it",
        {"delivery": "2023-10-01"},
        step=10,
    ),
    Case(
        "MlbQuarantineShareHigh",
        {'mlb_delivery_quarantine_ratio{delivery="2023-10-01"}': "0.1x9 0.15x30"},
        (9, 14),
        16,
        "15% of the delivery 2023-10-01 are refused",
        {"delivery": "2023-10-01"},
    ),
    Case(
        "MlbConservationFailed",
        {'mlb_delivery_conservation_difference_rows{mlb_job="etl", delivery="2023-10-01"}': "0x5 -3x20"},
        (5,),
        7,
        "etl has lost or doubled rows",
        {"mlb_job": "etl", "delivery": "2023-10-01"},
    ),
    Case(
        "MlbConservationFailed",
        {'mlb_conservation_failures_total{mlb_job="load"}': "1x1 2x200"},
        (10, 1500),
        20,
        "load has lost or doubled rows",
        {"mlb_job": "load"},
        step=10,
    ),
    Case(
        "MlbLakeNotRead",
        {"mlb_lake_up": "1x5 0x60"},
        (5, 35),
        37,
        "The metrics of the lake are not up to date",
    ),
    Case("MlbLakeNotRead", {"up": "1x60"}, (29,), 31, "The metrics of the lake are not up to date"),
    # Told in the first hour, though the pod stays for a week.
    Case(
        "MlbPodOutOfMemory",
        {OUT_OF_MEMORY: "_x5 1x200"},
        (4, 70, 180),
        6,
        KILLED,
        {**CONTAINER, "reason": "OOMKilled"},
    ),
    Case(
        "MlbPodOutOfMemory",
        {BEFORE: "0x5 1x200", RESTARTS: "0x5 1x200"},
        (5, 70),
        8,
        KILLED,
        {**CONTAINER, "reason": "OOMKilled"},
    ),
    Case(
        "MlbPodPending",
        {f'kube_pod_status_phase{{{POD}, phase="Pending"}}': "1x30"},
        (14,),
        16,
        "spark-jobs-etl-1 waits for a node or a volume",
        {**ONE_POD, "phase": "Pending"},
    ),
    Case(
        "MlbPodPending",
        {'kube_pod_status_phase{namespace="others", pod="p", phase="Pending"}': "1x30"},
        (20,),
    ),
    Case(
        "MlbImagePullFailed",
        {NO_IMAGE: "1x30"},
        (4,),
        6,
        "spark-jobs-etl-1 cannot get its image",
        {**CONTAINER, "reason": "ImagePullBackOff"},
    ),
    Case(
        "MlbQuotaNearlyUsed",
        {
            f'kube_resourcequota{{{QUOTA}, type="used"}}': "8x9 19x40",
            f'kube_resourcequota{{{QUOTA}, type="hard"}}': "20x50",
        },
        (9, 24),
        26,
        "95% of the quota of pods are used",
        {"namespace": "mlb", "resourcequota": "q", "resource": "pods"},
    ),
]


def test_the_files_are_rules() -> None:
    done = subprocess.run([program("promtool"), "check", "rules", *FILES], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("step", [1, 10])
def test_every_rule_fires_when_it_should_and_not_before(tmp_path: Path, step: int) -> None:
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(with_summaries_only()))
    tests = [as_test(case) for case in CASES if case.step == step]
    whole = {"rule_files": ["rules.yml"], "evaluation_interval": f"{step}m", "tests": tests}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(whole))
    command = [program("promtool"), "test", "rules", "tests.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def with_summaries_only() -> dict[str, Any]:
    """The rules as they are shipped, but for long texts, which promtool would have repeated."""
    groups = [group for file in FILES for group in yaml.safe_load(file.read_text())["groups"]]
    for group in groups:
        for rule in group["rules"]:
            rule["annotations"] = {"summary": rule["annotations"]["summary"]}
    return {"groups": groups}


def as_test(case: Case) -> dict[str, Any]:
    expected = {
        "exp_labels": {**case.labels, **PLATFORM, "severity": RULES[case.alert].severity},
        "exp_annotations": {"summary": case.summary},
    }
    looks = [(minute, []) for minute in case.quiet] + ([(case.fires, [expected])] if case.fires else [])
    return {
        "interval": f"{case.step}m",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [
            {"alertname": case.alert, "eval_time": f"{minute}m", "exp_alerts": alerts}
            for minute, alerts in sorted(looks, key=lambda look: look[0])
        ],
    }


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_tested_both_ways(name: str) -> None:
    cases = [case for case in CASES if case.alert == name]
    assert any(case.fires for case in cases), f"no case in which {name} fires"
    assert any(case.fires and min(case.quiet) < case.fires for case in cases), (
        f"no case in which {name} waits"
    )


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_a_runbook_that_says_what_to_do(name: str) -> None:
    page = ROOT / "docs" / "runbooks" / f"{RULES[name].page}.md"
    text = page.read_text()
    assert name in text, f"{page} does not speak of {name}"
    assert f"| {name} |" in (ROOT / "docs" / "observability.md").read_text()
    for part in ("**What it means.**", "**What to look at.**", "**What to do.**", "**Over when.**"):
        assert part in text, f"{page} lacks {part}"


@pytest.mark.parametrize("chart", ["airflow", "spark-jobs"])
def test_the_charts_ship_the_same_rules(chart: str) -> None:
    """By default a PrometheusRule holds what the plain file holds, with nothing left to put in."""
    rule = rendered_rule(chart)
    plain = yaml.safe_load((ROOT / "observability" / "rules" / f"{chart}.yml").read_text())
    assert rule == plain
    assert "@" not in json.dumps(rule)


def rendered_rule(chart: str) -> dict[str, Any]:
    folder = ROOT / "helm" / chart
    # In the namespaces of the plain files.
    namespace = {"airflow": "airflow", "spark-jobs": "mlb"}[chart]
    options = ["-f", folder / "values-local.yaml", "--set", "alerts.enabled=true"]
    text = run_chart_tool("helm", "template", chart, folder, "-n", namespace, *options)
    (found,) = [each for each in yaml.safe_load_all(text) if each and each["kind"] == "PrometheusRule"]
    return found["spec"]
