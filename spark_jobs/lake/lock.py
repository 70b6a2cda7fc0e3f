"""One process at a time on a lake that lies on this machine's disk.

A local disk has no commit that is put-if-absent, so that of two processes one could overwrite the
other's. On S3 the log store sees to that and no lock is taken.
"""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

from spark_jobs.settings import Settings


@contextlib.contextmanager
def lake_lock(settings: Settings, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lake; `waiting` is called once where another process holds it.

    The operating system releases the lock when the process ends, however it ends.
    """
    if not settings.lake_is_local:
        yield
        return
    file = Path(f"{settings.lake_root}.lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
