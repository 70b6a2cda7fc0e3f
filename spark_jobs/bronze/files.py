"""Delivered files as Bronze rows: each record as text, with the file, its content and its number."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pyspark import RDD, StorageLevel
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.contracts.contract import Contract
from spark_jobs.errors import JobError
from spark_jobs.lake.storage import StoredFile
from spark_jobs.lake.tables import Table
from spark_jobs.landing.csv_file import MAX_BYTES, Record, UnreadableFile, read_records, too_large
from spark_jobs.landing.delivery import Delivery

#: What `parse` yields for a record, before the columns that Bronze takes from the delivery.
Row = tuple[Any, ...]


@dataclass(frozen=True)
class FileRead:
    """What became of a file: its content's hash, its records, and why it was refused if it was."""

    source_file: str
    sha256: str
    size: int
    rows: int
    malformed_rows: int
    refused: str | None = None
    sentence: str | None = None


@dataclass(frozen=True)
class FilesRead:
    """All files of a delivery that are not known yet; release it when their rows are written."""

    files: list[FileRead]
    _spark: SparkSession
    _parsed: "RDD[tuple[FileRead | None, Row | None]]"

    def rows(
        self,
        table: Table,
        generations: dict[tuple[str, str], int],
        date: dt.date,
        ingested_at: dt.datetime,
    ) -> DataFrame:
        """The records of the files in `generations` (by source file and hash) as Bronze rows."""
        known = dict(generations)

        def complete(parsed: tuple[FileRead | None, Row | None]) -> Iterator[Row]:
            _, row = parsed
            if row is not None and (row[-3], row[-2]) in known:
                *values, source_file, sha256, number = row
                row_id = hashlib.sha256(f"{source_file}\n{sha256}\n{number}".encode()).hexdigest()
                generation = known[source_file, sha256]
                origin = (row_id, source_file, sha256, generation, number)
                yield (*values, *origin, date, ingested_at)

        return self._spark.createDataFrame(
            self._parsed.flatMap(complete), schema=table.schema, verifySchema=False
        )

    def release(self) -> None:
        """Free the memory that holds the parsed records."""
        self._parsed.unpersist()


def read_files(
    spark: SparkSession, delivery: Delivery, contract: Contract, known: set[tuple[str, str]]
) -> FilesRead:
    """Read each file of the delivery once, skipping the (source file, hash) pairs that are known.

    Raises JobError where a file that is listed has not been read: none may be left out in silence.
    """
    unread = {file.name: read for file in delivery.files if (read := _unread(delivery, file))}
    chosen = [file for file in delivery.files if file.name not in unread]
    names = {file.name: delivery.source_file(file) for file in chosen}
    # The files and not their folder, whose own folders Spark would take for partitions; as they are
    # called, since a bracket or a star in a name is no pattern.
    reader = spark.read.format("binaryFile").option("__globPaths__", "false")
    content = (
        reader.load([file.path for file in chosen]).select("path", "content").rdd
        if chosen
        else spark.sparkContext.emptyRDD()
    )
    columns = contract.names

    def parse(row: Any) -> Iterator[tuple[FileRead | None, Row | None]]:
        # The name as it is: `a%20b.csv` and `a b.csv` are two files.
        source_file = names[row.path.rsplit("/", 1)[-1]]
        yield from parse_file(source_file, bytes(row.content), columns, known)

    parsed = content.repartition(max(1, min(len(names), spark.sparkContext.defaultParallelism)))
    parsed = parsed.flatMap(parse).persist(StorageLevel.MEMORY_AND_DISK)
    files = [read for read, _ in parsed.filter(lambda pair: pair[0] is not None).collect() if read]
    _check_all_read(delivery, names.values(), files)
    files += unread.values()
    new = [file for file in files if (file.source_file, file.sha256) not in known]
    return FilesRead(sorted(new, key=lambda file: file.source_file), spark, parsed)


def _unread(delivery: Delivery, file: StoredFile) -> FileRead | None:
    """What becomes of a file that is refused for what its listing says, None for one that is to be read."""
    source_file = delivery.source_file(file)
    if not file.size:  # Spark's reader leaves it out
        sha256 = hashlib.sha256(b"").hexdigest()
        return FileRead(source_file, sha256, 0, 0, 0, "file_empty", "The file is empty: not even a header.")
    # Of a file that is not read the size stands for the content: whatever is in it, it is refused.
    sha256 = hashlib.sha256(f"{file.size} bytes".encode()).hexdigest()
    if file.size > MAX_BYTES:
        return FileRead(source_file, sha256, file.size, 0, 0, "file_too_large", too_large(file.size))
    if "\ufffd" in file.name:  # what Java shows of bytes that are no text: no file is found by it
        sentence = "The file's name is not UTF-8, so that it cannot be opened: deliver it under another."
        return FileRead(source_file, sha256, file.size, 0, 0, "file_name_not_utf8", sentence)
    return None


def _check_all_read(delivery: Delivery, listed: Iterable[str], files: list[FileRead]) -> None:
    missing = sorted(set(listed) - {file.source_file for file in files})
    if missing:
        raise JobError(
            f"Of the delivery of {delivery.date} {', '.join(missing[:5])} "
            f"{'was' if len(missing) == 1 else 'were'} listed and not read ({len(missing)} in all): "
            "run again, and where it stays so deliver under another name."
        )


def parse_file(
    source_file: str, content: bytes, columns: tuple[str, ...], known: set[tuple[str, str]]
) -> Iterator[tuple[FileRead | None, Row | None]]:
    """One file's records as rows, and last what became of the file; of one that is known only its hash."""
    sha256 = hashlib.sha256(content).hexdigest()
    size = len(content)
    if (source_file, sha256) in known:
        yield FileRead(source_file, sha256, size, 0, 0), None
        return
    if not source_file.lower().endswith((".csv", ".csv.gz")):
        sentence = "The file's name ends neither in .csv nor in .csv.gz."
        yield FileRead(source_file, sha256, size, 0, 0, "file_not_csv", sentence), None
        return
    try:
        records = read_records(content, columns)
    except UnreadableFile as error:
        yield FileRead(source_file, sha256, size, 0, 0, error.code, error.sentence), None
        return
    rows = malformed = 0
    for record in records:
        rows += 1
        malformed += record.problem is not None
        yield None, (*_values(record, columns), source_file, sha256, record.number)
    yield FileRead(source_file, sha256, size, rows, malformed), None


def _values(record: Record, columns: tuple[str, ...]) -> Iterator[Any]:
    yield from (record.fields.get(name) for name in columns)
    yield record.extra or None
    problem = record.problem
    yield (problem.code, problem.column, problem.about) if problem else None


def generations_of(rows: DataFrame) -> dict[tuple[str, str], int]:
    """The generation of each (source file, hash) in Bronze or in the manifest."""
    pairs = rows.select("_source_file", "_file_sha256", "_generation").distinct().collect()
    return {(row["_source_file"], row["_file_sha256"]): row["_generation"] for row in pairs}


def next_generations(
    files: list[FileRead], known: dict[tuple[str, str], int]
) -> dict[tuple[str, str], int]:
    """The generation of each file read: the one it has, or one more than the last under its name."""
    last: dict[str, int] = {}
    for (source_file, _), generation in known.items():
        last[source_file] = max(generation, last.get(source_file, 0))
    return {
        (f.source_file, f.sha256): known.get((f.source_file, f.sha256), last.get(f.source_file, 0) + 1)
        for f in files
    }
