"""No panel is without data after a run on the cluster, by hand (`make cluster-long`).

A real Prometheus reads what it would read there: the two exporters of the charts, and kube-state-metrics as
docs/observability.md wants it.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy import __main__ as platform
from deploy.airflow_api import Airflow
from tests.e2e.deployed import DAYS, run_day
from tests.observability.servers import ROOT, prometheus_of, server
from tests.observability.test_dashboards import PANELS, answer
from tests.ports import free_port
from tests.waiting import wait_until
from tools.observability_tools import kube_state_metrics

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def prometheus(api: Airflow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that reads all three, after one day's run."""
    assert run_day(api, str(DAYS[0])) == "success"
    folder = tmp_path_factory.mktemp("prometheus")
    with (
        platform.forwarded(platform.SPARK, "service/spark-jobs-metrics-exporter", 9464) as lake,
        platform.forwarded(platform.AIRFLOW, "service/airflow-statsd-exporter", 9102) as airflow,
        of_kubernetes(folder / "kube-state-metrics.log") as kubernetes,
        prometheus_of(folder, [f"127.0.0.1:{port}" for port in (lake, airflow, kubernetes)]) as url,
    ):
        yield url


@contextmanager
def of_kubernetes(log: Path) -> Iterator[int]:
    """kube-state-metrics for the cluster, with the options that the documentation gives; its port."""
    port, own = free_port(), free_port()
    options = re.findall(r"^--metric-.*$", (ROOT / "docs" / "observability.md").read_text(), re.MULTILINE)
    assert len(options) == 2
    command = [
        kube_state_metrics(),
        f"--kubeconfig={os.environ['KUBECONFIG']}",
        "--host=127.0.0.1",
        f"--port={port}",
        "--telemetry-host=127.0.0.1",
        f"--telemetry-port={own}",
        *options,
    ]
    with server(command, f"http://127.0.0.1:{port}/metrics", log):
        yield port


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_has_data(panel: dict[str, Any], prometheus: str) -> None:
    """One of several series may be none: without executors nothing tells of their memory."""

    def series() -> list[Any]:
        return [found for target in panel["targets"] for found in answer(prometheus, target)]

    wait_until(series, what=panel["title"])
