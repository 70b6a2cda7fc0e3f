"""Real servers for the tests: the StatsD exporter with what Airflow sends to it, Prometheus, ports."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
import yaml

from tests.charts.test_charts import run as run_chart_tool
from tools import observability_tools

Found = TypeVar("Found")
ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "airflow"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def wait_for(what: str, look: Callable[[], Found | None], seconds: float = 60) -> Found:
    """What `look` finds, as soon as it finds something; an error of the connection is nothing yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            if found := look():
                return found
        except OSError:
            pass
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.2)


@contextmanager
def server(command: list[str], ready: str, log: Path) -> Iterator[None]:
    """A process that serves, from when `ready` answers until the end of the block."""
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for(f"{command[0]} ({log})", lambda: read(ready) or process.poll())
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def airflow_metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the StatsD exporter with the chart's mapping; it has heard Airflow with the chart's settings."""
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
        url = f"http://127.0.0.1:{metrics}/metrics"
        wait_for("Airflow's last metric", lambda: "airflow_deadlines_missed_total" in read(url))
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
