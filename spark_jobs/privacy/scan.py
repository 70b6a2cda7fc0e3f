"""The proof of an erasure: a search of all bytes under some folders, whatever they are encoded as.

Each file is searched by its name, as it lies there, unpacked where it is gzip, and page by page,
decompressed, where it is Parquet: tables, checkpoints of the transaction log, change feeds. Each
identifier is looked for in upper and lower case and reversed, as UTF-8 and UTF-16, in hex, in
base64 at its three alignments, URL-quoted, and escaped as in JSON.
"""

import base64
import gzip
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

_PARQUET, _GZIP = b"PAR1", b"\x1f\x8b"
#: Shorter than this a run of bytes is found by chance.
_SHORTEST = 6
#: Encodings in which a page's bytes hold each value as it is, or as a number that stands for one in
#: a dictionary; in others (delta) a value may be spread over several places.
_LEGIBLE = {"PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE", "BIT_PACKED"}


@dataclass(frozen=True, order=True)
class Finding:
    """An identifier that stands in a file."""

    file: str
    identifier: str
    encoding: str


@dataclass(frozen=True)
class Scan:
    """What was found, how many files and bytes (decompressed) were searched, and what could not be."""

    findings: frozenset[Finding]
    files: int
    searched_bytes: int
    unreadable: tuple[str, ...]

    @property
    def identifiers(self) -> frozenset[str]:
        """Which of the identifiers were found."""
        return frozenset(finding.identifier for finding in self.findings)


def scan(spark: SparkSession, places: Iterable[Path], identifiers: Iterable[str]) -> Scan:
    """Search folders (and single files) on this machine's disk for identifiers.

    Each identifier needs six characters or more. The session is used for Parquet's pages.
    """
    needles = _needles(identifiers)
    findings: set[Finding] = set()
    files = size = 0
    unreadable: list[str] = []
    for file in sorted(_files(places)):
        files += 1
        for view in _views(spark, file, unreadable):
            size += len(view)
            findings |= {Finding(str(file), *needle) for needle in _found(view, needles)}
    return Scan(frozenset(findings), files, size, tuple(unreadable))


def encodings(identifier: str) -> Iterator[tuple[str, bytes]]:
    """How an identifier may stand in bytes: the name of the encoding, and the bytes."""
    texts = {
        "plain": identifier,
        "lower case": identifier.lower(),
        "upper case": identifier.upper(),
        "reversed": identifier[::-1],
        "reversed lower case": identifier[::-1].lower(),
        "reversed upper case": identifier[::-1].upper(),
    }
    for how, text in texts.items():
        data = text.encode()
        yield how, data
        yield f"UTF-16 LE, {how}", text.encode("utf-16-le")
        yield f"UTF-16 BE, {how}", text.encode("utf-16-be")
        yield f"hex, {how}", data.hex().encode()
        yield f"HEX, {how}", data.hex().upper().encode()
        for number, core in enumerate(_base64_cores(data)):
            yield f"base64 at {number}, {how}", core
            yield f"base64 (URL) at {number}, {how}", core.translate(bytes.maketrans(b"+/", b"-_"))
        yield f"URL-quoted, {how}", urllib.parse.quote(text, safe="").encode()
        yield f"URL-quoted (lower), {how}", urllib.parse.quote(text, safe="").lower().encode()
        yield f"form-quoted, {how}", urllib.parse.quote_plus(text, safe="").encode()
        yield f"JSON, {how}", json.dumps(text)[1:-1].encode()
        yield f"JSON (\\u), {how}", "".join(f"\\u{ord(c):04x}" for c in text).encode()


def _base64_cores(data: bytes) -> Iterator[bytes]:
    """What base64 says of the data whatever stands before and after it, at each of three alignments."""
    for before in range(3):
        start = -(-before * 8 // 6)
        end = (before + len(data)) * 8 // 6
        yield base64.b64encode(b"\0" * before + data + b"\0" * 3)[start:end]


def _needles(identifiers: Iterable[str]) -> Mapping[bytes, list[tuple[bytes, tuple[str, str]]]]:
    """All encodings of all identifiers by their first bytes, so that many are found in one pass."""
    needles: dict[bytes, list[tuple[bytes, tuple[str, str]]]] = {}
    for identifier in identifiers:
        if len(identifier) < _SHORTEST:
            raise ValueError(f"An identifier of {len(identifier)} characters would be found by chance.")
        for how, data in encodings(identifier):
            needles.setdefault(data[:_SHORTEST], []).append((data, (identifier, how)))
    return needles


def _found(
    data: bytes, needles: Mapping[bytes, list[tuple[bytes, tuple[str, str]]]]
) -> Iterator[tuple[str, str]]:
    for place in range(len(data) - _SHORTEST + 1):
        start = data[place : place + _SHORTEST]
        if start in needles:
            for needle, name in needles[start]:
                if data.startswith(needle, place):
                    yield name


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        yield from (path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]


def _views(spark: SparkSession, file: Path, unreadable: list[str]) -> Iterator[bytes]:
    content = file.read_bytes()
    yield str(file).encode()
    yield content
    try:
        if content.startswith(_GZIP):
            yield gzip.decompress(content)
        elif content.startswith(_PARQUET):
            yield from _pages(spark, file)
    except Exception as error:  # whatever cannot be read has not been searched, and that is said
        unreadable.append(f"{file}: {type(error).__name__}")


def _pages(spark: SparkSession, file: Path) -> Iterator[bytes]:
    """The pages of a Parquet file, dictionaries too, decompressed; those of a column together."""
    jvm: Any = spark.sparkContext._jvm
    hadoop = jvm.org.apache.hadoop
    parquet = jvm.org.apache.parquet.hadoop
    configuration = spark.sparkContext._jsc.hadoopConfiguration()  # pyright: ignore
    place = parquet.util.HadoopInputFile.fromPath(hadoop.fs.Path(str(file.absolute())), configuration)
    reader = parquet.ParquetFileReader.open(place)
    try:
        columns = list(reader.getFooter().getFileMetaData().getSchema().getColumns())
        while (group := reader.readNextRowGroup()) is not None:
            for column in columns:
                pages = group.getPageReader(column)
                dictionary = pages.readDictionaryPage()
                if dictionary is not None:
                    yield bytes(dictionary.getBytes().toByteArray())
                while (page := pages.readPage()) is not None:
                    yield _page_bytes(page)
    finally:
        reader.close()


def _page_bytes(page: Any) -> bytes:
    encoding = str(page.getValueEncoding().toString())
    if encoding not in _LEGIBLE:
        raise ValueError(f"A page is encoded as {encoding}.")
    data = page.getData() if "V2" in page.getClass().getSimpleName() else page.getBytes()
    return bytes(data.toByteArray())
