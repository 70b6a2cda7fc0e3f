"""Servers that the tests start: any process, Prometheus, and a page as exporters show it."""

import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.ports import free_port
from tests.waiting import wait_until
from tools.observability_tools import program

ROOT = Path(__file__).parents[2]


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


@contextmanager
def server(command: list[str], ready: str, log: Path) -> Iterator[None]:
    """A process that serves, from when `ready` answers until the end of the block."""
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: process.poll() is not None or read(ready), what=f"{command[0]} ({log})")
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def shown(text: Callable[[], str]) -> Iterator[str]:
    """A page that an exporter would show; its address. `text` makes it anew for each scrape."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text().encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    page = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{page.server_port}"
    finally:
        page.shutdown()
        page.server_close()


@contextmanager
def prometheus_of(folder: Path, targets: list[str], **more: Any) -> Iterator[str]:
    """A Prometheus that reads some exporters every second; its URL. `more` goes into its configuration."""
    scrape = {"job_name": "all", "honor_labels": True, "static_configs": [{"targets": targets}]}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [scrape],
        **more,
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    with server(command, f"{url}/-/ready", folder / "prometheus.log"):
        yield url
