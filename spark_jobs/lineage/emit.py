"""Sends events to where the settings say: a file, an endpoint, or nowhere.

Lineage is never worth a job. One thread sends the events of a process, in their order, while the jobs go
on; a run waits for its own at its end only, for `lineage_timeout` seconds at most. Where events cannot be
sent, one warning says so, and no more are sent by this process: the bound is one of the process, too.
"""

import atexit
import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from spark_jobs.contracts.contract import Contract
from spark_jobs.lake.lake import Lake
from spark_jobs.ledger import Run
from spark_jobs.lineage.facts import about_run, end_of_run
from spark_jobs.settings import Settings

log = logging.getLogger(__name__)
NONE = "none"
_DEFAULT_ENDPOINT = "api/v1/lineage"
#: The client adds no facets of its own: an environment or a repository's address may hold secrets.
_NOTHING_ADDED = {"environment_variables": [], "source_code_location": {"disabled": True}}
#: What the OpenLineage client knows of, besides its files, which OPENLINEAGE_CONFIG names.
_STANDARD = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT")


@contextlib.contextmanager
def lineage_told(settings: Settings, contract: Contract, lake: Lake, run: Run) -> Iterator[None]:
    """Tell of a run's beginning before what is in between, and of its end after it. Raises nothing."""
    sender = sender_of(settings)
    if sender is None:
        yield
        return
    about = about_run(settings, run, lake.spark.version)
    sender.send(lambda events: events.started(about))
    yield
    try:
        end = end_of_run(settings, contract, lake, run)
        sender.send(lambda events: events.ended(about, end))
    except Exception as error:  # the run has ended; its event is not worth more than a warning
        sender.give_up(f"what the run has read and written could not be found out ({type(error).__name__})")
    sender.settle(run)


class Sender:
    """A thread that makes and sends events, one after the other, until one cannot be sent."""

    def __init__(self, connect: Callable[[], Any], place: str, timeout: float) -> None:
        self._connect = connect
        self._place = place
        self._timeout = timeout
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._why: str | None = None
        self._told = False
        # No thread that the process waits for when it ends.
        threading.Thread(target=self._work, name="lineage", daemon=True).start()

    def send(self, make: Callable[[Any], Any]) -> None:
        """Send an event that `make` makes of the module `events`, whose import takes a second."""
        if self._why is None:
            self._waiting.put(make)

    def settle(self, run: Run | None = None) -> None:
        """Wait until what was given to send has been sent, or say once that it cannot be."""
        if self._why is None:
            settled = threading.Event()
            self._waiting.put(settled)
            if not settled.wait(self._timeout):
                self.give_up(f"{self._place} took longer than {self._timeout:g} s")
        if self._why and not self._told:
            self._told = True
            log.warning(
                "Lineage events are no longer sent, since %s. The jobs themselves are not concerned; see "
                "MLB_LINEAGE in docs/lineage.md.",
                self._why,
                extra={"run": run},
            )

    def give_up(self, why: str) -> None:
        """Send no more."""
        self._why = self._why or why

    def _work(self) -> None:
        try:
            client = self._connect()
            from spark_jobs.lineage import events

            atexit.register(_close, client, self._timeout)
        except Exception as error:
            client = events = None
            self.give_up(f"{self._place} cannot be used ({type(error).__name__})")
        while True:
            item = self._waiting.get()
            if isinstance(item, threading.Event):
                item.set()
            elif self._why is None and client is not None:
                self._send_one(client, item(events))

    def _send_one(self, client: Any, event: Any) -> None:
        try:
            client.emit(event)
        except (
            Exception
        ) as error:  # of whatever transport: the type alone, since a message may quote secrets
            status = getattr(getattr(error, "response", None), "status_code", None)
            said = f"answered {status}" if status else f"could not be reached ({type(error).__name__})"
            self.give_up(f"{self._place} {said}")


def _close(client: Any, timeout: float) -> None:
    """Let a transport that sends in the background finish, for no longer than the bound."""
    closing = threading.Thread(target=client.close, args=(timeout,), daemon=True)
    closing.start()
    closing.join(timeout)


def sender_of(settings: Settings) -> Sender | None:
    """The sender that the settings ask for, one a process; None where events go nowhere."""
    place = settings.lineage.get_secret_value().strip() if settings.lineage else ""
    if os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true" or place.lower() == NONE:
        return None
    if not place and not any(name.startswith(_STANDARD) for name in os.environ):
        return None
    return _sender(place, settings.lineage_timeout)


@lru_cache
def _sender(place: str, timeout: float) -> Sender:
    if not place:
        return Sender(lambda: _client(None), "the transport of OPENLINEAGE_…", timeout)
    return Sender(lambda: _client(transport_of(place, timeout)), _shown(place), timeout)


def _shown(place: str) -> str:
    """A place as a warning may name it: without user, password and query."""
    parts = urlsplit(place)
    return parts.netloc.rpartition("@")[2] if parts.scheme in ("http", "https") else f"the file {place}"


def transport_of(place: str, timeout: float) -> dict[str, Any]:
    """The client's configuration of the transport to a place."""
    parts = urlsplit(place)
    if parts.scheme not in ("http", "https"):
        file = Path(place.removeprefix("file://"))
        file.parent.mkdir(parents=True, exist_ok=True)
        return {"type": "file", "log_file_path": str(file), "append": True}
    path = parts.path.strip("/")
    endpoint = f"{path or _DEFAULT_ENDPOINT}{f'?{parts.query}' if parts.query else ''}"
    transport: dict[str, Any] = {
        "type": "http",
        "url": f"{parts.scheme}://{parts.netloc}",
        "endpoint": endpoint,
        "timeout": timeout,
        "retry": {"total": 3, "connect": 3, "read": 1, "backoff_factor": 0.2},
    }
    if key := os.environ.get("OPENLINEAGE_API_KEY"):
        transport["auth"] = {"type": "api_key", "apiKey": key}
    return transport


def _client(transport: dict[str, Any] | None) -> Any:
    """OpenLineage's client, by its own settings where no transport is given."""
    # Its retries and its reading of settings are not for the jobs' log: they may quote a secret.
    for name in ("urllib3.connectionpool", "openlineage.client.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport import get_default_factory

    made = get_default_factory().create(transport) if transport else None
    return OpenLineageClient(transport=made, config={"facets": _NOTHING_ADDED})
