"""Turns files of records into bytes, and bytes into files that are whole or not there."""

from __future__ import annotations

import csv
import gzip
import io
import os
from pathlib import Path

from spark_jobs.sample_feed.records import File

BOM = b"\xef\xbb\xbf"


def render(file: File) -> bytes:
    """The bytes of a file, the same for the same records on every run."""
    if file.empty:
        return b""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator=file.line_end)
    rows.writerow(file.columns)
    for record in file.records:
        start = text.tell()
        rows.writerow([record.values[column] for column in file.columns])
        if record.cut:
            _cut(text, start)
    data = text.getvalue().encode("utf-8", errors="surrogateescape")
    if file.bom:
        data = BOM + data
    return _compressed(data) if file.is_gzip else data


def write_file(path: Path, data: bytes) -> bool:
    """Write the bytes unless they stand there already; tells whether it wrote.

    A reader never sees half a file: the bytes get their name when all of them are there. The name
    that they have before does not look like a delivery.
    """
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(data)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return True


def _cut(text: io.StringIO, start: int) -> None:
    """Drop the second half of the record that begins at `start`, and its line end."""
    line = text.getvalue()[start:]
    place = len(line) // 2
    while "," in line[place - 1 : place + 1]:  # inside a field, not between two
        place += 1
    text.seek(start + place)
    text.truncate()


def _compressed(data: bytes) -> bytes:
    # GzipFile and not gzip.compress: the header of the latter differs between Python versions.
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=buffer, mtime=0) as packed:
        packed.write(data)
    return buffer.getvalue()
