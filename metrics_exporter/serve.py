"""Serves a reading's figures to Prometheus, and says whether the exporter itself is well."""

import threading
from collections.abc import Callable, Iterable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from metrics_exporter.catalogue import METRICS
from metrics_exporter.samples import Sample

_FAMILIES = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}


class LakeCollector(Collector):
    """The samples as families of metrics, by the catalogue. A scrape reads no table."""

    def __init__(self, samples: Callable[[], Sequence[Sample]]) -> None:
        self._samples = samples

    def collect(self) -> Iterable[Metric]:
        """One family for each metric that has a sample."""
        by_name: dict[str, list[Sample]] = {}
        for one in self._samples():
            by_name.setdefault(one.name, []).append(one)
        for metric in METRICS:
            if metric.name not in by_name:
                continue
            family = _FAMILIES[metric.kind](metric.name, metric.help, labels=metric.labels)
            for one in by_name[metric.name]:
                family.add_metric(one.labels, one.value)
            yield family


def make_server(address: tuple[str, int], collector: Collector) -> ThreadingHTTPServer:
    """An HTTP server: /metrics for Prometheus, /healthz for Kubernetes. Nothing else is there."""
    registry = CollectorRegistry()
    registry.register(collector)

    class Handler(BaseHTTPRequestHandler):
        server_version = "metrics-exporter"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path == "/metrics":
                encode, kind = choose_encoder(self.headers.get("Accept", ""))
                self._answer(200, kind, encode(registry))
            elif path == "/healthz":
                self._answer(200, "text/plain; charset=utf-8", b"ok\n")
            else:
                self._answer(404, "text/plain; charset=utf-8", b"There are /metrics and /healthz.\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A scrape every half a minute is nothing to tell."""

    return ThreadingHTTPServer(address, Handler)


def in_background(server: ThreadingHTTPServer) -> threading.Thread:
    """Serve in a thread of its own, until the server is shut down."""
    thread = threading.Thread(target=server.serve_forever, name="http", daemon=True)
    thread.start()
    return thread
