"""The only place that creates, reads and commits Delta tables.

There are two ways to write: `append`, for what only grows (Bronze, the ledger), and `sync`, which
makes the rows of a table within a scope equal to the rows that are wanted, with one MERGE that
touches only rows that differ. A derived table is therefore never patched by a recipe that depends
on what happened before: whoever computes the same wanted rows again changes nothing, and a job that
was killed between two commits is finished by running it again.
"""

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from delta.tables import DeltaTable
from pyspark import inheritable_thread_target
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from spark_jobs.lake.conflicts import CONFLICTS
from spark_jobs.lake.merging import ACTION, differing, merge
from spark_jobs.lake.storage import delete
from spark_jobs.lake.tables import Table
from spark_jobs.sql import literal

T = TypeVar("T")
#: How often a commit is tried that others come before.
_MOST_TRIES = 10
_SIGNATURE = "spark.databricks.delta.commitInfo.userMetadata"
#: In place of the session's (SMALL_DATA in session.py).
_COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}
#: Below this a table is read into one partition: 64 MB of Parquet is some seconds of one core.
_SMALL_BYTES = 64 * 1024**2
#: A batch of more rows is compiled for, and sorted in so many parts or more: each fits into memory.
_MANY_ROWS, _MANY_PARTS, _ROWS_OF_A_PART = 50_000, 8, 250_000
#: So many changed rows are sooner sent to every part of the table than the table sorted.
_FEW_ROWS = 100_000


@dataclass(frozen=True)
class Synced:
    """What a sync changed, in rows."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def changed(self) -> int:
        """Rows touched in all."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class Differences:
    """What makes a table's rows within a scope equal to the rows that are wanted.

    `rows` have the table's columns and `_action`: insert, update or delete; `counts` are theirs by action
    and partition, `version` is the table's when they were found.
    """

    table: Table
    rows: DataFrame
    counts: tuple[Row, ...]
    version: int

    @property
    def synced(self) -> Synced:
        """How many rows are to be inserted, updated and deleted."""
        rows = {action: 0 for action in ("insert", "update", "delete")}
        for count in self.counts:
            rows[count[ACTION]] += count["count"]
        return Synced(rows["insert"], rows["update"], rows["delete"])


@dataclass
class Lake:
    """The Delta tables under one root, and which of their versions a job has read and written."""

    spark: SparkSession
    root: str
    versions_read: dict[str, int] = field(default_factory=dict)
    versions_written: dict[str, int] = field(default_factory=dict)
    #: Every commit that was made, as (table, version).
    commits: list[tuple[Table, int]] = field(default_factory=list)
    #: How many are computing compiled, and what takes the settings for it back.
    _compiling: int = field(default=0, init=False, repr=False)
    _compiler: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def path(self, table: Table) -> str:
        """Where a table lies."""
        return f"{self.root}/{table.name}"

    def sql_name(self, table: Table) -> str:
        """The table's name in a SQL statement."""
        return f"delta.`{self.path(table).replace('`', '``')}`"

    def exists(self, table: Table) -> bool:
        """Whether the table has been created."""
        return self.version(table) >= 0

    def create(self, table: Table, properties: dict[str, str] | None = None) -> None:
        """Create the table if it is not there; a race with another creator is no error."""
        wanted = {**table.properties, **(properties or {})}
        make = self._create
        for tries_left in reversed(range(_MOST_TRIES)):
            if self.exists(table):
                return
            try:
                with self.committing(table):
                    make(table, wanted)
                return
            except (*CONFLICTS, AnalysisException):
                if not tries_left:
                    raise
            # Another creator is first, or was killed before its first commit: Delta neither takes the
            # folder that it has left for a table nor makes one there, but writes rows to it.
            make = self._create_in_folder

    def _create(self, table: Table, properties: dict[str, str]) -> None:
        builder = DeltaTable.createIfNotExists(self.spark).location(self.path(table))
        builder = builder.addColumns(table.schema).comment(table.description)
        if table.partition_by:
            builder = builder.partitionedBy(*table.partition_by)
        for name, value in properties.items():
            builder = builder.property(name, value)
        builder.execute()

    def _create_in_folder(self, table: Table, properties: dict[str, str]) -> None:
        writer = self.empty(table.schema).write.format("delta").mode("append").options(**properties)
        writer.partitionBy(*table.partition_by).save(self.path(table))
        self.set_properties(table, {"comment": table.description})

    def version(self, table: Table) -> int:
        """The table's newest version, -1 where it has not been created."""
        return int(self._snapshot(table).version())

    @contextlib.contextmanager
    def committing(self, table: Table) -> Iterator[None]:
        """Note the commit to the table that is made within it. Every commit of a job goes through here."""
        yield
        version = self.versions_written[table.name] = self.version(table)
        self.commits.append((table, version))

    def is_small(self, table: Table) -> bool:
        """Whether the table is so small that one task reads it faster than several share it."""
        snapshot = self._snapshot(table)
        # The checksum file beside a commit knows the size; without one Delta runs a query for it.
        checksum = snapshot.checksumOpt()
        size = checksum.get().tableSizeBytes() if checksum.isDefined() else snapshot.sizeInBytes()
        return int(size) < _SMALL_BYTES

    def log(self, table: Table) -> Any:
        """The table's transaction log, an object of Delta's in the JVM."""
        logs, _ = _delta_logs(self.spark._jvm)
        return logs.forTable(self.spark._jsparkSession, self.path(table))

    def _snapshot(self, table: Table, version: int | None = None) -> Any:
        # Delta's Python API tells a version only by running a query over the whole history.
        _, none = _delta_logs(self.spark._jvm)
        log = self.log(table)
        return (
            log.update(False, none, none)
            if version is None
            else log.getSnapshotAt(version, none, none, False)
        )

    def property(self, table: Table, name: str, version: int | None = None) -> str | None:
        """A property of the table (at a version); None if it is not there, or is empty."""
        configuration = self._snapshot(table, version).metadata().configuration()
        return (configuration.get(name).get() or None) if configuration.contains(name) else None

    def set_properties(self, table: Table, properties: dict[str, str]) -> None:
        """Set properties of a table in one commit; an empty text stands for none."""
        pairs = ", ".join(f"{literal(name)} = {literal(value)}" for name, value in properties.items())
        with self.committing(table):
            self.spark.sql(f"ALTER TABLE {self.sql_name(table)} SET TBLPROPERTIES ({pairs})")

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table at a version, by default its newest; one that has not been created reads as empty.

        The newest is not pinned: a query that is run again later sees later commits. A job that needs what
        it has seen to stay as it is keeps it (`localCheckpoint`).
        """
        chosen = self.version(table) if version is None else version
        if chosen < 0:
            return self.empty(table.schema)
        self.versions_read.setdefault(table.name, chosen)
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        loaded = reader.load(self.path(table))
        rows = _with_all_columns(loaded, table) if table.grows else loaded.select(*table.schema.names)
        # Rows in one partition need no shuffle for any join or window that follows.
        return rows.coalesce(1) if self.is_small(table) else rows

    def files(self, table: Table, version: int | None = None) -> DataFrame:
        """The files of a version, by default the newest, as Delta's log describes them (AddFile)."""
        return DataFrame(self._snapshot(table, version).allFiles().toDF(), self.spark)

    def grouped(self, rows: DataFrame, column: str, source: Table) -> DataFrame:
        """Rows, read from `source`, with all that share a value of `column` in one partition."""
        return rows if self.is_small(source) else rows.repartition(F.col(column))

    def changes(self, table: Table, since: int) -> DataFrame:
        """The rows of the change feed after version `since`, with `_change_type`."""
        return (
            self.spark.read.format("delta")
            .option("readChangeFeed", "true")
            .option("startingVersion", since + 1)
            .load(self.path(table))
        )

    def empty(self, schema: StructType) -> DataFrame:
        """A frame of no rows."""
        return self.spark.createDataFrame([], schema)

    def together(self, *tasks: Callable[[], T]) -> list[T]:
        """Do what does not depend on each other at the same time, and wait for all of it.

        On a day's feed a commit is mostly the driver's waiting for many small steps.
        """
        with ThreadPoolExecutor(len(tasks)) as pool:
            futures = [pool.submit(inheritable_thread_target(self.spark)(task)) for task in tasks]
        return [future.result() for future in futures]

    @contextlib.contextmanager
    def signed(self, signature: str) -> Iterator[None]:
        """Sign all commits of the session in between, so that a table's history says who made them."""
        with self.setting(_SIGNATURE, signature):
            yield

    @contextlib.contextmanager
    def setting(self, name: str, value: str) -> Iterator[None]:
        """Give one of the session's settings another value in between."""
        before = self.spark.conf.get(name, None)
        self.spark.conf.set(name, value)
        try:
            yield
        finally:
            if before is None:
                self.spark.conf.unset(name)
            else:
                self.spark.conf.set(name, before)

    @contextlib.contextmanager
    def compiled(self) -> Iterator[None]:
        """Compile what is computed in between, which pays for itself over millions of rows.

        Tasks that are done together share the session: the settings stay until the last of them is through.
        """
        with self._lock:
            if not self._compiling:
                for name, value in _COMPILED.items():
                    self._compiler.enter_context(self.setting(name, value))
            self._compiling += 1
        try:
            yield
        finally:
            with self._lock:
                self._compiling -= 1
                if not self._compiling:
                    self._compiler.close()

    def compiled_for(self, table: Table) -> contextlib.AbstractContextManager[None]:
        """Compile what reads a table, where that is large."""
        return contextlib.nullcontext() if self.is_small(table) else self.compiled()

    @contextlib.contextmanager
    def for_batch(self, rows: int) -> Iterator[None]:
        """Compute what concerns a batch of so many rows as suits them: many compiled, in smaller parts."""
        with self.compiled() if is_large(rows) else contextlib.nullcontext(), self.in_parts(rows):
            yield

    @contextlib.contextmanager
    def in_parts(self, rows: int) -> Iterator[None]:
        """Shuffle what concerns a batch of so many rows into as many parts as suit them."""
        if not is_large(rows):
            yield
            return
        parts = max(_MANY_PARTS, rows // _ROWS_OF_A_PART)
        with self.setting("spark.sql.shuffle.partitions", str(parts)):
            yield

    def spread(self, rows: DataFrame, number: int, column: str) -> DataFrame:
        """Kept rows, so many, in a part for each core at least, where they are many; by a column's values.

        A large delivery comes in as few parts as it has files, and typing it is most of its work.
        """
        cores = self.spark.sparkContext.defaultParallelism
        if not is_large(number) or rows.rdd.getNumPartitions() >= cores:
            return rows
        return rows.repartition(F.col(column))

    def next_number(self, table: Table, application: str) -> int:
        """One more than the last number that `append` has committed for an application.

        To be asked before what is appended is made up: whoever commits after that takes the number away.
        The table's version is no such number: of two drivers the one that saw another work's commit would
        hold a higher one, and commit the same once more.
        """
        last = self._snapshot(table).transactions().get(application)
        return int(last.get()) + 1 if last.isDefined() else 0

    def append(self, table: Table, rows: DataFrame, transaction: tuple[str, int] | None = None) -> None:
        """Add rows in one commit.

        `transaction` is (application, number), the number from `next_number`: of two writers that hold the
        same pair only one commits, so that two drivers started for the same work cannot both add it.
        """
        self.create(table)
        writer = rows.select(*table.schema.names).write.format("delta").mode("append")
        if transaction:
            writer = writer.option("txnAppId", transaction[0]).option("txnVersion", transaction[1])
        if table.grows:
            writer = writer.option("mergeSchema", "true")
        with self.committing(table):
            try:
                writer.save(self.path(table))
            except CONFLICTS:
                # Two runs that both bring the new columns: the second finds them there.
                if not table.grows:
                    raise
                writer.save(self.path(table))

    def write_anew(self, table: Table, rows: DataFrame) -> None:
        """Make a table of these rows in place of the one that is there, of which no version stays.

        Not for a table that others read: for a moment there is none.
        """
        delete(self.spark, self.path(table))
        logs, _ = _delta_logs(self.spark._jvm)
        place = self.spark._jvm.org.apache.hadoop.fs.Path(self.path(table))  # pyright: ignore
        logs.invalidateCache(self.spark._jsparkSession, place)
        # In one commit, where `create` and `append` take two.
        writer = rows.select(*table.schema.names).write.format("delta").options(**table.properties)
        with self.committing(table):
            writer.partitionBy(*table.partition_by).save(self.path(table))

    def vacuum(self, table: Table, kept: dt.timedelta, lite: bool = False) -> None:
        """Delete the files that no version of the last `kept` time needs; `lite`: only those in the log."""
        hours = kept / dt.timedelta(hours=1)
        self.spark.sql(f"VACUUM {self.sql_name(table)} {'LITE ' if lite else ''}RETAIN {hours:.4f} HOURS")

    def sync(
        self,
        table: Table,
        wanted: DataFrame,
        scope: DataFrame,
        properties: dict[str, str] | None = None,
    ) -> Synced:
        """Make the table's rows in `scope` equal to `wanted`, in at most one commit.

        `scope` is a selection of the table's present rows: those of them that are not wanted are
        deleted; rows outside it stay as they are. Rows are the same when every column of
        `table.key` is equal, nulls included, and are written only where another column differs.
        """
        for _ in range(_MOST_TRIES - 1):
            try:
                return self._sync_once(table, wanted, scope, properties)
            except CONFLICTS:
                # Another commit, a compaction for example, came between reading and writing: look again.
                continue
        return self._sync_once(table, wanted, scope, properties)

    def _sync_once(
        self, table: Table, wanted: DataFrame, scope: DataFrame, properties: dict[str, str] | None
    ) -> Synced:
        differences = self.compare(table, wanted, scope)
        if differences.counts:
            self.commit(differences, properties)
        return differences.synced

    def compare(self, table: Table, wanted: DataFrame, scope: DataFrame) -> Differences:
        """What `sync` would change."""
        version = self.version(table)
        # Kept, so that what is counted is what is merged; lazily, so that counting computes it.
        rows = differing(table, wanted, scope).localCheckpoint(eager=False)
        partition = [F.col(name) for name in table.partition_by]
        with self.compiled_for(table):
            counts = rows.groupBy(ACTION, *partition).count().collect()
        return Differences(table, rows, tuple(counts), version)

    def commit(self, differences: Differences, properties: dict[str, str] | None = None) -> None:
        """Make the differences, of which there is one at least, in one commit."""
        table, rows = differences.table, differences.rows
        self.create(table, properties)
        changed = differences.synced.changed
        if changed <= _FEW_ROWS and not self.is_small(table):
            # All of them: a limit is what tells Spark how few they are, so that it hashes them in place of
            # sorting the table.
            rows = rows.limit(changed)
        with self.committing(table), self.compiled_for(table):
            merge(self.spark, self.path(table), table, rows, differences.counts)


def is_large(rows: int) -> bool:
    """Whether a batch is so large that to compile for it pays."""
    return rows > _MANY_ROWS


@lru_cache
def _delta_logs(jvm: Any) -> tuple[Any, Any]:
    """Delta's class of transaction logs, and Scala's None.

    Kept: for each part of a class's name Py4J asks the JVM whether it is a class, and the JVM looks
    into every jar on its path.
    """
    return jvm.org.apache.spark.sql.delta.DeltaLog, jvm.scala.Option.empty()


def _with_all_columns(rows: DataFrame, table: Table) -> DataFrame:
    there = set(rows.columns)
    columns = [
        F.col(c.name) if c.name in there else F.lit(None).cast(c.dataType).alias(c.name)
        for c in table.schema
    ]
    return rows.select(*columns)
