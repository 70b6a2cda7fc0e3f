"""Real servers for the tests: the StatsD exporter with what Airflow sends to it."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.charts.test_charts import run as run_chart_tool
from tests.observability.servers import ROOT, read, server
from tests.ports import free_port
from tests.waiting import wait_until
from tools import observability_tools

CHART = ROOT / "helm" / "airflow"


@pytest.fixture(scope="session")
def airflow_metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the StatsD exporter with the chart's mapping, once it has heard Airflow with its settings."""
    folder = tmp_path_factory.mktemp("statsd")
    manifests = list(
        yaml.safe_load_all(
            run_chart_tool(
                *("helm", "template", "airflow", CHART, "-n", "airflow", "-f", CHART / "values-local.yaml")
            )
        )
    )
    maps = {each["metadata"]["name"]: each["data"] for each in manifests if each["kind"] == "ConfigMap"}
    (folder / "mapping.yml").write_text(maps["airflow-statsd-exporter"]["mapping.yml"])
    metrics, statsd = free_port(), free_port()
    command = [
        observability_tools.statsd_exporter(),
        f"--statsd.mapping-config={folder / 'mapping.yml'}",
        f"--statsd.listen-udp=127.0.0.1:{statsd}",
        "--statsd.listen-tcp=",
        f"--web.listen-address=127.0.0.1:{metrics}",
    ]
    with server(command, f"http://127.0.0.1:{metrics}/-/ready", folder / "exporter.log"):
        settings = {n: v for n, v in maps["airflow-settings"].items() if n.startswith("AIRFLOW__METRICS__")}
        settings |= {
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(statsd),
        }
        speak_as_airflow(folder, settings)
        # A line that is none, so that the exporter has an error to count.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"no statsd", ("127.0.0.1", statsd))
        url = f"http://127.0.0.1:{metrics}/metrics"
        wait_until(lambda: "airflow_deadlines_missed_total" in read(url), what="Airflow's last metric")
        yield url


def speak_as_airflow(folder: Path, settings: dict[str, str]) -> None:
    """Let Airflow send what it sends; in its own environment, with a database of its own."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MLB_"))
    }
    environment = {
        **inherited,
        **settings,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "tests" / "observability"),
    }
    command = [
        str(ROOT / ".venv-airflow" / "bin" / "python"),
        str(Path(__file__).with_name("airflow_process.py")),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
