"""What a run read, wrote and took: the ledger's `measures`. None of it can fail a run.

| measure | what |
|---|---|
| delivered_files, delivered_bytes | files of the delivery that ingest read |
| read_files, read_bytes | files of tables and logs that the run's queries read, after pruning |
| written_files, written_bytes | files that it added to tables, but for the ledger and those built beside |
| rewritten_files, rewritten_bytes | files of tables that it replaced or deleted |
| gc_seconds | garbage collection of the driver's JVM while it ran |
| start_up_seconds | from the process's start to Spark's session; only of a process's first run |
| driver_peak_memory_bytes | most resident memory of Python, the JVM and Python workers, until its end |
| executors | executor processes; 0 where Spark runs in the driver |
| executor_peak_memory_bytes | most memory of an executor's JVM; none without executors |
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from spark_jobs.lake.commits import Written, written_by
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import REBUILD
from spark_jobs.lake.traffic import last_query, read_by
from spark_jobs.ledger import Run
from spark_jobs.process.machine import StartUp, peak_memory_bytes
from spark_jobs.process.stopping import job_group

log = logging.getLogger(__name__)
start_up = StartUp()


@contextlib.contextmanager
def measured(lake: Lake, run: Run) -> Iterator[None]:
    """Note what the run does within this, whether it succeeds or not."""
    before: dict[str, float] = {}
    _try(run, lambda: before.update(query=last_query(lake.spark), gc=_gc_seconds(lake)))
    try:
        yield
    finally:
        _try(run, lambda: _note(run, _of_process(lake)))
        if before:
            _try(run, lambda: _note(run, _read(lake, run, int(before["query"]))))
            _try(run, lambda: _note(run, {"gc_seconds": round(_gc_seconds(lake) - before["gc"], 3)}))
        _try(run, lambda: _note(run, _written(lake, run)))


def _note(run: Run, figures: dict[str, float | None]) -> None:
    run.measures.update({name: float(value) for name, value in figures.items() if value is not None})


def _read(lake: Lake, run: Run, since: int) -> dict[str, float | None]:
    read = read_by(lake.spark, job_group(run), since)
    return {"read_files": read.files, "read_bytes": read.bytes}


def _written(lake: Lake, run: Run) -> dict[str, float | None]:
    # What is rebuilt beside the live tables goes again, with its log.
    names = {table.name for table, _ in lake.commits if not table.name.startswith(f"{REBUILD}/")}
    written = sum(written_by(lake, run.signature(), names).values(), Written())
    return {
        "written_files": written.added.files,
        "written_bytes": written.added.bytes,
        "rewritten_files": written.removed.files,
        "rewritten_bytes": written.removed.bytes,
    }


def _of_process(lake: Lake) -> dict[str, float | None]:
    peaks = _executor_peaks(lake)
    return {
        "start_up_seconds": start_up.take(),
        "driver_peak_memory_bytes": peak_memory_bytes(),
        "executors": len(peaks),
        "executor_peak_memory_bytes": max(peaks, default=None),
    }


def _gc_seconds(lake: Lake) -> float:
    jvm: Any = lake.spark._jvm
    beans = jvm.java.lang.management.ManagementFactory.getGarbageCollectorMXBeans()
    return sum(max(bean.getCollectionTime(), 0) for bean in beans) / 1000


def _executor_peaks(lake: Lake) -> list[int]:
    """The most memory, heap and beside it, of each executor's JVM that is a process of its own."""
    status: Any = lake.spark._jsc.sc().statusStore()  # pyright: ignore
    listed = status.executorList(False)
    executors = [listed.apply(number) for number in range(listed.size())]
    return [_peak(executor) for executor in executors if executor.id() != "driver"]


def _peak(executor: Any) -> int:
    told = executor.peakMemoryMetrics()
    if told.isEmpty():
        return 0
    return sum(told.get().getMetricValue(name) for name in ("JVMHeapMemory", "JVMOffHeapMemory"))


def _try(run: Run, measure: Callable[[], None]) -> None:
    try:
        measure()
    except Exception:  # a figure less, whatever the reason: the run is what counts
        log.warning("Part of what %s took could not be measured.", run.job, exc_info=True)
