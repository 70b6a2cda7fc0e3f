"""The one Spark session of a process, with the settings that the platform relies on."""

import contextlib
import os
import sys
import threading
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from spark_jobs.errors import JobError, UsageError
from spark_jobs.lake import s3
from spark_jobs.lake.executors import wait_for_executors
from spark_jobs.lake.java import find_java_home
from spark_jobs.lake.jvm import launch_jvm, logging_options
from spark_jobs.lake.kubernetes import kubernetes_configuration
from spark_jobs.settings import Settings

#: Where `make setup` puts Delta's jars: inside the environment, since they go with its pyspark.
JARS = Path(sys.prefix) / "jars"

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Defaults for lakes of a million files; on a day's feed they are most of the time.
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    # Lake.sync hands MERGE a source that is already materialised.
    "spark.databricks.delta.merge.materializeSource": "none",
    # Delta refuses to read versions older than the table's retention even while their files are there;
    # spark_jobs/lake/travel.py looks whether they are.
    "spark.databricks.delta.vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration": "false",
    "spark.databricks.delta.properties.defaults.checkpointInterval": "20",
    # Else a VACUUM is two commits more: a table of which nothing was left to take keeps its version.
    "spark.databricks.delta.vacuum.logging.enabled": "false",
}
#: On a day's feed Spark spends more time on writing, compiling and warming up code for each query
#: than on the rows. These take the shorter way; docs/decisions/README.md.
SMALL_DATA = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.join.preferSortMergeJoin": "false",
}
#: Without Hadoop's native library its local file systems start processes (chmod, readlink) for every
#: file that they write. These do not; a lock (spark_jobs/lake/lock.py) keeps
#: two processes from committing to one local lake at the same time.
LOCAL_DISK = {
    "spark.hadoop.fs.file.impl": "com.globalmentor.apache.hadoop.fs.NakedLocalFileSystem",
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
}
#: What the JVM's optimising compiler (C2) makes takes half of the processors' time, and pays for itself
#: over many rows only. `c2` has it start eight times later than by default; the loops that go over rows
#: still reach it. `c1` does without, and without the counting that it needs; all code in one cache then
#: needs the room that the two have together.
COMPILERS = {
    "c1": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m",
    "c2": (
        "-XX:Tier4InvocationThreshold=40000 -XX:Tier4MinInvocationThreshold=5000 "
        "-XX:Tier4CompileThreshold=120000 -XX:Tier4BackEdgeThreshold=320000"
    ),
}
#: The classes of a job, parsed and verified (tools/class_data.py): a checkout has them for a lake on a
#: disk, the image for one on S3. A JVM with other jars, or the same in another order, starts without.
CLASS_DATA, CLASS_DATA_S3 = (Path(sys.prefix) / name for name in ("class-data.jsa", "class-data-s3.jsa"))
BEHAVIOUR = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # A plan as text quotes literals and is what event logs and errors show: keep it short.
    "spark.sql.maxPlanStringLength": "2000",
    "spark.sql.debug.maxToStringFields": "20",
    "spark.sql.ui.explainMode": "simple",
    # Four calls into the JVM for every DataFrame operation, to name its Python line in errors.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.python.daemon.module": "spark_jobs.lake.python_daemon",
}
#: Classes that PySpark looks up again for every column that it makes: each time the JVM would search
#: all of its jars, in each imported package.
_LOOKED_UP_OFTEN = (
    "PythonSQLUtils",
    "PythonUtils",
    "functions",
    "org.apache.spark.sql.classic.SparkSession",
    "org.apache.spark.sql.functions",
)
#: Stopping takes a second; longer only where the cluster does not answer.
_STOP_SECONDS = 20


def start_session(settings: Settings, app_name: str = "spark-jobs") -> SparkSession:
    """Start (or return) the session; its log goes to where the settings say.

    Raises UsageError or JobError, a sentence, where a place on S3 does not answer or no executor comes.
    """
    os.environ["JAVA_HOME"] = find_java_home()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    configuration = SparkConf(loadDefaults=False).setAll(list(_configuration(settings, app_name).items()))
    if SparkContext._active_spark_context is None:
        gateway = SparkContext._gateway or launch_jvm(configuration, settings)
        SparkContext(conf=configuration, gateway=gateway)
        for name in _LOOKED_UP_OFTEN:
            setattr(gateway.jvm, name, getattr(gateway.jvm, name))
    session = SparkSession.builder.config(conf=configuration).getOrCreate()
    try:
        s3.check_reachable(session, settings)
        if settings.on_kubernetes:
            wait_for_executors(session, settings)
    except JobError:
        stop_session(session)
        raise
    return session


def is_running() -> bool:
    """Whether this process has a session already."""
    return SparkContext._active_spark_context is not None


def _configuration(settings: Settings, app_name: str) -> dict[str, str]:
    on_s3 = s3.configuration(settings, os.environ)
    jars = os.pathsep.join(_jars(JARS, "make setup") + (_jars(s3.JARS, "make setup-s3") if on_s3 else []))
    options = f"{logging_options(settings)} -Duser.timezone=UTC"
    archive = CLASS_DATA_S3 if on_s3 else CLASS_DATA
    if archive.exists():
        # Standard output is for what the commands say; by default the JVM warns there.
        options += f" -XX:SharedArchiveFile={archive} -Xlog:all=off:stdout -Xlog:all=warning:stderr"
    # Start with the room that every run needs: growing to it costs a dozen full collections.
    heap = f"-XX:+UseParallelGC -Xms{settings.driver_memory} -XX:NewRatio=1 -XX:MetaspaceSize=256m"
    return {
        "spark.app.name": app_name,
        "spark.master": settings.master,
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.extraClassPath": jars,
        "spark.driver.extraJavaOptions": f"{options} {heap} {COMPILERS[settings.compiler or 'c2']}",
        "spark.executor.extraClassPath": jars,
        "spark.executor.extraJavaOptions": options,
        **DELTA,
        **BEHAVIOUR,
        **SMALL_DATA,
        # Not both: S3A, which buffers what it sends on the disk, needs Hadoop's default local file system.
        **on_s3,
        **(LOCAL_DISK if settings.lake_is_local else {}),
        **_where(settings),
        **_event_log(settings),
    }


def _jars(folder: Path, command: str) -> list[str]:
    jars = sorted(str(jar) for jar in folder.glob("*.jar"))
    if not jars:
        raise UsageError(f"The jars that Spark needs are not in {folder}: run `{command}`.")
    return jars


def _where(settings: Settings) -> dict[str, str]:
    """Where the driver is found, and its executors, if they are processes of their own."""
    if settings.on_kubernetes:
        return kubernetes_configuration(settings)
    # An address that always exists, whatever the machine's host name resolves to.
    return {"spark.driver.host": "localhost", "spark.driver.bindAddress": "127.0.0.1"}


def _event_log(settings: Settings) -> dict[str, str]:
    if not settings.event_log:
        return {}
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": settings.event_log,
        "spark.eventLog.compress": "true",
    }


def stop_session(session: SparkSession) -> None:
    """Stop the session: executors' pods are deleted, event logs are closed.

    In a thread, because a signal may have left this one's connection to the JVM amid an answer.
    """

    def stop() -> None:
        # A JVM that is gone has nothing left to stop.
        with contextlib.suppress(Exception):
            session.stop()

    stopping = threading.Thread(target=stop, name="stop-session", daemon=True)
    stopping.start()
    stopping.join(_STOP_SECONDS)
