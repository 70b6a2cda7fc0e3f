"""Watches the jobs' pods while something befalls the platform: at most one driver of a task may live."""

import threading
from collections import Counter
from types import TracebackType

from tests.e2e.deployed import SPARK

_EVERY = 1.0


class Watching:
    """Looks at the driver pods every second until it is left; `most`: how many of a task lived at once."""

    def __init__(self, day: str) -> None:
        self._day = day
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.most: Counter[str] = Counter()
        self.looked = 0

    def __enter__(self) -> "Watching":
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._left.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._left.wait(_EVERY):
            try:
                self._look()
            except AssertionError:
                continue  # the API server is away: that is what is tried

    def _look(self) -> None:
        selected = f"mlb/delivery-date={self._day},app.kubernetes.io/component=driver"
        pods = SPARK.get("pods", "-l", selected)["items"]
        alive = Counter(
            pod["metadata"]["labels"]["mlb/job"] for pod in pods if pod["status"]["phase"] == "Running"
        )
        self.looked += 1
        for job, number in alive.items():
            self.most[job] = max(self.most[job], number)
