"""`python -m metrics_exporter`: reads the lake now and then, serves what it found.

| variable | what |
|---|---|
| MLB_LAKE | the lake: a folder, or s3a://bucket/prefix [default: ./lake] |
| MLB_METRICS_DATASET | the dataset, as its contract names it [default: employees] |
| MLB_METRICS_ADDRESS | where to listen [default: 0.0.0.0:9464] |
| MLB_METRICS_INTERVAL | seconds between two looks at the ledger [default: 30] |
| MLB_S3_ENDPOINT, _REGION, _PATH_STYLE | as for the jobs; credentials are found as AWS's tools do |
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from types import FrameType

from metrics_exporter.apart import ReadingApart
from metrics_exporter.lake import lake_root, storage_options
from metrics_exporter.serve import LakeCollector, in_background, make_server

log = logging.getLogger("metrics_exporter")


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Run until SIGTERM; 2 where a variable is wrong."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        host, port = _address(environment.get("MLB_METRICS_ADDRESS", "0.0.0.0:9464"))
        interval = _seconds(environment.get("MLB_METRICS_INTERVAL", "30"))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    root = lake_root(environment.get("MLB_LAKE", "./lake"))
    options = storage_options(environment) if root.startswith("s3://") else {}
    reading = ReadingApart(root, options, environment.get("MLB_METRICS_DATASET", "employees"))
    # Before the first reading: a scrape meanwhile sees an exporter that is up and a lake that is not yet.
    server = make_server((host, port), LakeCollector(lambda: reading.samples))
    in_background(server)
    log.info("%s: http://%s:%d/metrics", root, host, server.server_port)
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stopped.is_set():
        reading.refresh()
        stopped.wait(interval)
    server.shutdown()
    reading.close()
    return 0


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"MLB_METRICS_ADDRESS is {text}: write it as 0.0.0.0:9464.")
    return host, int(port)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise ValueError(f"MLB_METRICS_INTERVAL is {text}: give seconds above 0.")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
