"""A real Prometheus that scrapes what a test names, and the exporter of metrics as a process."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tools.observability_tools import program

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
#: Prometheus needs two scrapes of a second each; the rest is room for a busy machine.
PATIENCE_SECONDS = 60


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
        until(lambda: self.value(expression) == wanted, f"{expression} is {wanted}")


def until(condition: Callable[[], T], what: str) -> T:
    """Wait for a condition; fails with its name."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(OSError):
            if found := condition():
                return found
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


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
        until(lambda: scraped(address), "the exporter answers")
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
        until(lambda: server.query("vector(1)"), "Prometheus answers")
        yield server
