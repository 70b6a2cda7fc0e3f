"""A real Prometheus that scrapes what a test names, and the exporter of metrics as a process."""

import contextlib
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.waiting import wait_until
from tools.observability_tools import program

ROOT = Path(__file__).parents[1]


class Prometheus:
    """A server's query API."""

    def __init__(self, address: str) -> None:
        self.address = address

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query, each with `metric` (its labels) and `value`."""
        asked = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self.address}/api/v1/query?{asked}") as answer:
            return json.load(answer)["data"]["result"]

    def value(self, expression: str) -> float | None:
        """The one value of an instant query; None where there is none (yet)."""
        found = self.query(expression)
        assert len(found) < 2, found
        return float(found[0]["value"][1]) if found else None

    def wait_for(self, expression: str, wanted: float) -> None:
        """Wait until a query has a value."""
        wait_until(lambda: self.value(expression) == wanted, what=f"{expression} is {wanted}")


@contextlib.contextmanager
def process(*command: str, log: Path, **environment: str) -> Iterator[subprocess.Popen]:
    """A server's process, ended in the end."""
    with log.open("wb") as out:
        running = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=out, env={**os.environ, **environment}
        )
    try:
        yield running
    finally:
        running.terminate()
        running.wait(20)


@contextlib.contextmanager
def exporter(lake: str, folder: Path, **environment: str) -> Iterator[str]:
    """The exporter as its image runs it, over a lake; where it listens."""
    address = f"127.0.0.1:{free_port()}"
    given = {"MLB_LAKE": lake, "MLB_METRICS_ADDRESS": address, "MLB_METRICS_INTERVAL": "0.2", **environment}
    command = (sys.executable, "-m", "metrics_exporter")
    with process(*command, log=folder / "exporter.log", **given):
        wait_until(lambda: scraped(address), what="the exporter answers")
        yield address


def scraped(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        return answer.read().decode()


@contextlib.contextmanager
def prometheus(folder: Path, *targets: str) -> Iterator[Prometheus]:
    """Debian's Prometheus, which scrapes the targets every second."""
    scrape = {
        "job_name": "mlb",
        "scrape_interval": "1s",
        "static_configs": [{"targets": list(targets)}],
    }
    # JSON is YAML.
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": [scrape]}))
    address = f"127.0.0.1:{free_port()}"
    options = (
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
    )
    with process(program("prometheus"), *options, log=folder / "prometheus.log"):
        server = Prometheus(f"http://{address}")
        wait_until(lambda: server.query("vector(1)"), what="Prometheus answers")
        yield server
