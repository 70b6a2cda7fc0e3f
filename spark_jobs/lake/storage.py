"""The file system under landing zone and lake: the only place that speaks to Hadoop's FileSystem."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession


@dataclass(frozen=True)
class StoredFile:
    """A file as it is listed: its whole path, its name, bytes, and when it was changed (s since 1970)."""

    path: str
    name: str
    size: int
    modified: float


def exists(spark: SparkSession, path: str) -> bool:
    """Whether a file or folder is there."""
    place, system = _resolve(spark, path)
    return bool(system.exists(place))


def list_files(spark: SparkSession, folder: str) -> list[StoredFile]:
    """The files directly in a folder, by name."""
    place, system = _resolve(spark, folder)
    listed = [entry for entry in system.listStatus(place) if entry.isFile()]
    return sorted(map(_stored, listed), key=lambda file: file.name)


def _stored(entry: Any) -> StoredFile:
    path, modified = entry.getPath(), int(entry.getModificationTime()) / 1000
    return StoredFile(str(path.toString()), str(path.getName()), int(entry.getLen()), modified)


def list_folders(spark: SparkSession, folder: str) -> list[str]:
    """The names of the folders directly in a folder."""
    place, system = _resolve(spark, folder)
    return sorted(str(f.getPath().getName()) for f in system.listStatus(place) if f.isDirectory())


def walk_files(spark: SparkSession, folder: str) -> list[StoredFile]:
    """All files under a folder, hidden ones too, by path; none where it is not there."""
    place, system = _resolve(spark, folder)
    if not system.exists(place):
        return []
    found, listed = [], system.listFiles(place, True)
    while listed.hasNext():
        found.append(_stored(listed.next()))
    return sorted(found, key=lambda file: file.path)


def read_file(spark: SparkSession, path: str) -> bytes:
    """A file's content."""
    place, system = _resolve(spark, path)
    local = _local(place)
    if local:
        return local.read_bytes()
    stream = system.open(place)
    try:
        return bytes(spark.sparkContext._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))  # pyright: ignore
    finally:
        stream.close()


def replace_file(spark: SparkSession, path: str, content: bytes) -> None:
    """Put new content under a file's name, at once: nobody ever sees half of it."""
    place, system = _resolve(spark, path)
    local = _local(place)
    if local:
        # Hidden, so that it is no delivery; one name, so that a second try takes the place of the first.
        draft = local.with_name(f".{local.name}.draft")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(local, draft)
        draft.replace(local)
        return
    # An object store shows an object when it has been written whole.
    stream = system.create(place, True)
    try:
        stream.write(content)
    except BaseException:
        stream.abort()
        raise
    stream.close()


def delete(spark: SparkSession, path: str) -> bool:
    """Delete a file, or a folder with all in it; whether it was there."""
    place, system = _resolve(spark, path)
    return bool(system.exists(place) and system.delete(place, True))


def _local(place: Any) -> Path | None:
    """The path on this machine's disk, None where the place is elsewhere."""
    uri = place.toUri()
    return Path(str(uri.getPath())) if uri.getScheme() in (None, "file") else None


def _resolve(spark: SparkSession, path: str) -> tuple[Any, Any]:
    context = spark.sparkContext
    place = context._jvm.org.apache.hadoop.fs.Path(path)  # pyright: ignore
    return place, place.getFileSystem(context._jsc.hadoopConfiguration())  # pyright: ignore
