"""What Spark did, as its own status store counts it: jobs, stages that ran, tasks, shuffles and bytes."""

from dataclasses import dataclass
from typing import Any, cast

from pyspark.sql import SparkSession

from spark_jobs.lake.traffic import last_query, read_since


@dataclass(frozen=True)
class SparkWork:
    """Counts; files and bytes read are of the plans' scans, after pruning, tables' logs among them."""

    jobs: int = 0
    stages: int = 0
    tasks: int = 0
    shuffles: int = 0
    shuffle_bytes: int = 0
    files_read: int = 0
    bytes_read: int = 0


@dataclass(frozen=True)
class SparkJob:
    """One job of Spark's: when (seconds since the epoch), how long, and what its stages did."""

    job: int
    name: str
    begun: float
    seconds: float
    tasks: int
    run_seconds: float
    rows_read: int
    bytes_read: int
    bytes_shuffled: int
    bytes_spilled: int


@dataclass(frozen=True)
class Moment:
    """The newest job and the newest query of a session."""

    job: int
    query: int


def now(spark: SparkSession) -> Moment:
    """The moment from which on work is to be counted."""
    return Moment(last_job(spark), last_query(spark))


def last_job(spark: SparkSession) -> int:
    """The number of the newest job, -1 before the first."""
    return max((int(job.jobId()) for job in _jobs(spark)), default=-1)


def work_since(spark: SparkSession, moment: Moment) -> SparkWork:
    """What Spark did after a moment. Its store keeps the newest 1,000 jobs and queries."""
    jobs = [j for j in _jobs(spark) if int(j.jobId()) > moment.job]
    ids = {int(stage) for j in jobs for stage in _items(j.stageIds())}
    stages = [s for s in _stages(spark) if int(s.stageId()) in ids and str(s.status()) == "COMPLETE"]
    written = [int(stage.shuffleWriteBytes()) for stage in stages]
    read = read_since(spark, moment.query)
    return SparkWork(
        jobs=len(jobs),
        stages=len(stages),
        tasks=sum(int(stage.numTasks()) for stage in stages),
        shuffles=sum(size > 0 for size in written),
        shuffle_bytes=sum(written),
        files_read=read.files,
        bytes_read=read.bytes,
    )


def jobs_since(spark: SparkSession, job: int) -> list[SparkJob]:
    """The jobs after a job, in their order."""
    stages = {int(s.stageId()): s for s in _stages(spark) if str(s.status()) == "COMPLETE"}
    newer = sorted((j for j in _jobs(spark) if int(j.jobId()) > job), key=lambda j: int(j.jobId()))
    seen: set[int] = set()
    found = []
    for j in newer:
        ids = [int(i) for i in _items(j.stageIds()) if int(i) in stages and int(i) not in seen]
        seen |= set(ids)
        own = [stages[i] for i in ids]
        begun, ended = j.submissionTime().get().getTime(), j.completionTime().get().getTime()
        found.append(
            SparkJob(
                job=int(j.jobId()),
                name=str(own[-1].name() if own else j.name()),
                begun=begun / 1000,
                seconds=(ended - begun) / 1000,
                tasks=sum(int(s.numTasks()) for s in own),
                run_seconds=sum(int(s.executorRunTime()) for s in own) / 1000,
                rows_read=sum(int(s.inputRecords()) for s in own),
                bytes_read=sum(int(s.inputBytes()) for s in own),
                bytes_shuffled=sum(int(s.shuffleWriteBytes()) for s in own),
                bytes_spilled=sum(int(s.memoryBytesSpilled()) for s in own),
            )
        )
    return found


def _jobs(spark: SparkSession) -> list[Any]:
    return _items(_store(spark).jobsList(None))


def _stages(spark: SparkSession) -> list[Any]:
    gateway: Any = spark.sparkContext._gateway
    quantiles = gateway.new_array(gateway.jvm.double, 0)
    return _items(_store(spark).stageList(None, False, False, quantiles, gateway.jvm.java.util.ArrayList()))


def _store(spark: SparkSession) -> Any:
    context: Any = cast(Any, spark._jsparkSession).sparkContext()
    # Events reach the store by a queue.
    context.listenerBus().waitUntilEmpty()
    return context.statusStore()


def _items(sequence: Any) -> list[Any]:
    return [sequence.apply(i) for i in range(sequence.size())]
