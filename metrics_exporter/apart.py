"""The reading in a process of its own, so that a scrape is answered whatever the store is doing.

deltalake keeps Python's lock while it waits for a store. In one process with the server, a store that
stalls would make the exporter look dead, and Kubernetes would kill it; here the reader is ended instead.
"""

import contextlib
import dataclasses
import logging
import multiprocessing
import signal
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from metrics_exporter.lake import LakeReader
from metrics_exporter.reading import Reading
from metrics_exporter.samples import Sample, sample

log = logging.getLogger(__name__)
#: A look at the lake that takes longer is given up.
MOST_SECONDS = 300.0
_SPAWN = multiprocessing.get_context("spawn")


class ReadingApart:
    """The figures of the last look that ended. `refresh` is for one thread, `samples` for any."""

    def __init__(
        self, root: str, options: Mapping[str, str], dataset: str, most_seconds: float = MOST_SECONDS
    ) -> None:
        self._arguments = (root, dict(options), dataset)
        self._most_seconds = most_seconds
        self._reader: tuple[BaseProcess, Connection] | None = None
        self._shown: tuple[Sample, ...] = (sample("mlb_lake_up", 0),)

    @property
    def samples(self) -> Sequence[Sample]:
        """All figures as they were at the last refresh."""
        return self._shown

    @property
    def pid(self) -> int | None:
        """The reader's process; None while there is none."""
        return self._reader[0].pid if self._reader else None

    def refresh(self) -> None:
        """Let the reader look. One that does not answer is ended, and the next call begins a new one."""
        try:
            _, pipe = self._reader = self._reader or self._start()
            pipe.send(None)
            if not pipe.poll(self._most_seconds):
                raise TimeoutError
            self._shown = pipe.recv()
        except (OSError, EOFError) as error:
            log.error("The reader was lost (%s); the last figures stay.", type(error).__name__)
            self.close()
            # Put in one step: a scrape sees all of the old or all of the new.
            self._shown = tuple(_down(one) for one in self._shown)

    def close(self) -> None:
        """End the reader, if there is one."""
        if self._reader:
            process, pipe = self._reader
            self._reader = None
            process.kill()
            process.join()
            pipe.close()

    def _start(self) -> tuple[BaseProcess, Connection]:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_read, args=(theirs, *self._arguments), daemon=True, name="reader")
        process.start()
        # Else a reader that dies would be waited for.
        theirs.close()
        return process, ours


def _down(one: Sample) -> Sample:
    return dataclasses.replace(one, value=0.0) if one.name == "mlb_lake_up" else one


def _read(pipe: Connection, root: str, options: dict[str, str], dataset: str) -> None:
    """Look whenever the exporter asks, until it is gone."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # SIGTERM goes to the whole group: who has started this one ends it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    reading = Reading(LakeReader(root, options), dataset)
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.recv()
            reading.refresh()
            pipe.send(tuple(reading.samples))
