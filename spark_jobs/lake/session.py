"""The one Spark session of a process, with the settings that the platform relies on."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import SparkSession

from spark_jobs.errors import UsageError
from spark_jobs.lake.java import find_java_home
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
}
#: On a day's feed Spark spends more time on writing, compiling and warming up code for each query
#: than on the rows. These take the shorter way; docs/decisions/README.md.
SMALL_DATA = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
#: Without Hadoop's native library its local file systems start processes (chmod, readlink) for every
#: file that they write: some 200 a day's delivery. These do not; a lock (spark_jobs/lake/lock.py) keeps
#: two processes from committing to one local lake at the same time.
LOCAL_DISK = {
    "spark.hadoop.fs.file.impl": "com.globalmentor.apache.hadoop.fs.NakedLocalFileSystem",
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
}
#: A job ends before most of what the JVM's optimising compiler (C2) makes has paid for itself, and its
#: work takes half of the processors' time meanwhile. It starts eight times later than by default;
#: the loops that go over rows still reach it. benchmarks/jvm.py measures it.
LATE_C2 = (
    "-XX:Tier4InvocationThreshold=40000 -XX:Tier4MinInvocationThreshold=5000 "
    "-XX:Tier4CompileThreshold=120000 -XX:Tier4BackEdgeThreshold=320000"
)
BEHAVIOUR = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # A plan as text quotes literals and is what event logs and errors show: keep it short.
    "spark.sql.maxPlanStringLength": "2000",
    "spark.sql.debug.maxToStringFields": "20",
    "spark.sql.ui.explainMode": "simple",
}


def start_session(settings: Settings, app_name: str = "spark-jobs") -> SparkSession:
    """Start (or return) the session; its log goes to the file that the settings name."""
    os.environ["JAVA_HOME"] = find_java_home()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    jars = sorted(str(jar) for jar in JARS.glob("*.jar"))
    if not jars:
        raise UsageError(f"Delta's jars are not in {JARS}: run `make setup`.")
    log = settings.spark_log.absolute()
    log.parent.mkdir(parents=True, exist_ok=True)
    log4j = Path(__file__).with_name("log4j2.properties")
    builder = (
        SparkSession.builder.appName(app_name)
        .master(settings.master)
        .config("spark.driver.memory", settings.driver_memory)
        .config("spark.driver.extraClassPath", os.pathsep.join(jars))
        .config(
            "spark.driver.extraJavaOptions",
            f"-Dlog4j2.configurationFile=file:{log4j} -Dmlb.spark.log={log} "
            # Start with the room that every run needs: growing to it costs a dozen full collections.
            f"-XX:+UseParallelGC -Xms{settings.driver_memory} -XX:NewRatio=1 -XX:MetaspaceSize=256m "
            "-Duser.timezone=UTC "
            f"{LATE_C2}",
        )
    )
    if settings.master.startswith("local"):
        # An address that always exists, whatever the machine's host name resolves to.
        builder = builder.config("spark.driver.host", "localhost").config(
            "spark.driver.bindAddress", "127.0.0.1"
        )
    for name, value in {**DELTA, **BEHAVIOUR, **SMALL_DATA, **LOCAL_DISK}.items():
        builder = builder.config(name, value)
    with _stderr_to(log):
        return builder.getOrCreate()


@contextlib.contextmanager
def _stderr_to(log: Path) -> Iterator[None]:
    """Let the JVM inherit the log as its standard error, so that its notices stay off the terminal."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
