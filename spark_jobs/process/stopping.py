"""SIGTERM ends a job cleanly: running Spark jobs are cancelled, and the ledger gets its row.

Kubernetes sends it when a pod is deleted or its node drained, and kills what is left when the grace
period is over. A run is ended from outside rather than by an exception that the signal raises in it:
raised in the middle of a call into the JVM, that would leave the connection with an unread answer,
and the ledger's row could not be written any more.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from pyspark import SparkContext

from spark_jobs.errors import JobStopped
from spark_jobs.ledger import Run

STOPPED = "Stopped by SIGTERM. What was committed stays; run the job again, and it does the rest."
_GROUP_PROPERTIES = ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel")


class Interrupted(BaseException):
    """Raised by SIGTERM where no run is active.

    No Exception, so that nothing on the way takes it for a failure of its own.
    """


class _Stop:
    """Whether this process has been told to end, and the job groups of its active runs."""

    def __init__(self) -> None:
        self.requested = False
        self.groups: dict[str, SparkContext] = {}


_stop = _Stop()


@contextlib.contextmanager
def sigterm_ends_jobs(on_request: Callable[[str], None]) -> Iterator[None]:
    """Within it, SIGTERM ends the active runs, or raises Interrupted where there is none.

    `on_request` is called at once with a sentence, in case that the grace period is too short.
    """
    _stop.requested = False

    def handle(number: int, frame: FrameType | None) -> None:
        if _stop.requested:
            return
        _stop.requested = True
        on_request(STOPPED)
        if not _stop.groups:
            raise Interrupted
        # In a thread, because this one may be in the middle of a call into the JVM.
        threading.Thread(target=_cancel_jobs, name="sigterm").start()

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run_name(run: Run) -> str:
    """What people call the run: the job, and its delivery if it has one."""
    return f"{run.job} of {run.delivery_date}" if run.delivery_date else run.job


def job_group(run: Run) -> str:
    """The group of the Spark jobs that a run starts."""
    return f"{run.job} {run.delivery_date} {run.run_id}"


def _cancel_jobs() -> None:
    for group, context in list(_stop.groups.items()):
        # A run between two Spark jobs must not start the next one.
        context._jsc.sc().cancelJobGroupAndFutureJobs(group, STOPPED)  # pyright: ignore


@contextlib.contextmanager
def stoppable(context: SparkContext, run: Run) -> Iterator[None]:
    """The part of a run that SIGTERM ends; raises JobStopped where it did."""
    # A run may be part of another one (recover).
    before = {name: context.getLocalProperty(name) for name in _GROUP_PROPERTIES}
    group = job_group(run)
    context.setJobGroup(group, run_name(run), interruptOnCancel=True)
    _stop.groups[group] = context
    try:
        if _stop.requested:
            raise JobStopped(STOPPED)
        yield
    except Exception as error:
        if _stop.requested:
            raise JobStopped(STOPPED) from error
        raise
    finally:
        del _stop.groups[group]
        # What follows is the ledger's row, which is written in any case.
        for name, value in before.items():
            context.setLocalProperty(name, value)  # pyright: ignore
