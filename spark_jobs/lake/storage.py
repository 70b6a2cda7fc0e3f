"""The file system under landing zone and lake: the only place that speaks to Hadoop's FileSystem."""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from spark_jobs.errors import UsageError
from spark_jobs.settings import absolute


@dataclass(frozen=True)
class StoredFile:
    """A file as it is listed: its whole path, its name and its size in bytes."""

    path: str
    name: str
    size: int


def exists(spark: SparkSession, path: str) -> bool:
    """Whether a file or folder is there."""
    place, system = _resolve(spark, path)
    return bool(system.exists(place))


def list_files(spark: SparkSession, folder: str) -> list[StoredFile]:
    """The files directly in a folder, by name."""
    place, system = _resolve(spark, folder)
    listed = [entry for entry in system.listStatus(place) if entry.isFile()]
    files = [
        StoredFile(str(f.getPath().toString()), str(f.getPath().getName()), int(f.getLen())) for f in listed
    ]
    return sorted(files, key=lambda file: file.name)


def walk_files(spark: SparkSession, folder: str) -> list[StoredFile]:
    """All files under a folder, hidden ones too, by path; none where it is not there."""
    place, system = _resolve(spark, folder)
    if not system.exists(place):
        return []
    found, listed = [], system.listFiles(place, True)
    while listed.hasNext():
        entry = listed.next()
        path = entry.getPath()
        found.append(StoredFile(str(path.toString()), str(path.getName()), int(entry.getLen())))
    return sorted(found, key=lambda file: file.path)


def delete(spark: SparkSession, path: str) -> bool:
    """Delete a file, or a folder with all in it; whether it was there."""
    place, system = _resolve(spark, path)
    return bool(system.exists(place) and system.delete(place, True))


def read_bytes(spark: SparkSession, path: str) -> bytes:
    """A whole file. Raises UsageError where there is none."""
    if not exists(spark, absolute(path)):
        raise UsageError(f"There is no file {path}.")
    # Spark's own reader, since a stream of bytes cannot cross from the JVM to Python.
    found = spark.read.format("binaryFile").load(absolute(path)).select("content").collect()
    return bytes(found[0]["content"]) if found else b""


def _resolve(spark: SparkSession, path: str) -> tuple[Any, Any]:
    context = spark.sparkContext
    place = context._jvm.org.apache.hadoop.fs.Path(path)  # pyright: ignore
    return place, place.getFileSystem(context._jsc.hadoopConfiguration())  # pyright: ignore
