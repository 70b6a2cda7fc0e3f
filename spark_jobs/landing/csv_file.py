"""Reads the bytes of one delivered CSV file into records, and says in a sentence what is wrong.

The dialect is RFC 4180: commas, double quotes, a header, line breaks allowed inside quotes; a BOM,
CRLF, gzip, blank lines and any order of columns are fine. Plain Python instead of Spark's reader,
because that one can tell neither a record's number nor which bytes were not UTF-8, and takes
every file's header for the first one's.
"""

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

#: Larger than this a file is not read: Spark hands it to Python whole, in several copies on a heap of 2 GB.
MAX_BYTES = 128 * 1024**2
#: Unpacking to more than this, a file is no delivery of employees but a mistake or an attack (a zip bomb).
MAX_UNPACKED = 256 * 1024**2
#: Larger than this, a line is no record and a record no employee: each is held in memory several times.
RECORD_SIZE = 8 * 1024**2
#: Longer than this no field is read: a quote that is never closed ends here.
FIELD_CHARACTERS = csv.field_size_limit()
#: More columns than this have no meaning, and each record has a name and a value for each of them.
MOST_COLUMNS = 1000
_CHUNK = 2**20
BOM = "\ufeff"
GZIP = b"\x1f\x8b"


class UnreadableFile(Exception):
    """A file that cannot be read as CSV at all; `code` and a sentence say why."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True)
class Problem:
    """Why a record cannot be trusted as it stands: a code, the column if there is one, details."""

    code: str
    column: str | None
    about: str


@dataclass(frozen=True)
class Record:
    """One record: its number (1 is the first after the header) and its fields by column.

    `extra` holds the columns that the contract does not know, and the raw line of a record that
    could not be split.
    """

    number: int
    fields: dict[str, str]
    extra: dict[str, str] = field(default_factory=dict)
    problem: Problem | None = None


@dataclass(frozen=True)
class Piece:
    """A part of a file's text; all of them together are the whole of it, after a byte order mark.

    `record` is what it says, None for the header and for blank lines; `columns` is the header.
    """

    text: str
    columns: list[str]
    record: Record | None = None


def read_records(content: bytes, columns: tuple[str, ...]) -> Iterator[Record]:
    """The records of a file. Raises UnreadableFile before the first record, never after it.

    The text is never held whole: a small packed file may be a large one.
    """
    _check(content)
    text = io.TextIOWrapper(_unpacked(content), "utf-8-sig", "surrogateescape", newline="")
    return (piece.record for piece in _split(text, columns) if piece.record)


def split_text(text: str, columns: tuple[str, ...]) -> Iterator[Piece]:
    """The text of a file in pieces. Raises UnreadableFile before the first, never after it."""
    return _split(io.StringIO(text, newline=""), columns)


def decoded(content: bytes) -> str:
    """The text of a file's bytes, unpacked, with its byte order mark if it has one.

    Bytes that are not UTF-8 become surrogates: encoding with `surrogateescape` gives them back. Raises
    UnreadableFile.
    """
    _check(content, longest=MAX_UNPACKED)
    return _unpacked(content).read().decode("utf-8", "surrogateescape")


def too_large(size: int) -> str:
    """The sentence for a file that is not even read."""
    return f"The file has {size:,} bytes, more than the {MAX_BYTES:,} that are read: deliver it in parts."


def _check(content: bytes, longest: int = RECORD_SIZE) -> None:
    """Look at all that a file unpacks to, a part at a time. Raises UnreadableFile."""
    if not content:
        raise UnreadableFile("file_empty", "The file is empty: not even a header.")
    beginning, size, line = b"", 0, 0
    try:
        unpacked = _unpacked(content)
        while part := unpacked.read(_CHUNK):
            beginning, size = beginning or part[:4096], size + len(part)
            if size > MAX_UNPACKED:
                about = f"The file unpacks to more than {MAX_UNPACKED:,} bytes: deliver it in parts."
                raise UnreadableFile("file_too_large", about)
            first, last = _line_ends(part)
            if line + first > longest:
                about = f"A line of the file has more than {longest:,} bytes: it is no record."
                raise UnreadableFile("file_not_csv", about)
            line = line + first if last < 0 else len(part) - last
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile("file_gzip_broken", f"The gzip file is broken: {error}.") from error
    _check_beginning(beginning)


def _unpacked(content: bytes) -> io.BytesIO | gzip.GzipFile:
    whole = io.BytesIO(content)
    return gzip.open(whole) if content.startswith(GZIP) else whole


def _line_ends(part: bytes) -> tuple[int, int]:
    """How many bytes there are before a part's first line end, and where its last one is (-1: none)."""
    first = min((at for at in (part.find(b"\n"), part.find(b"\r")) if at >= 0), default=len(part))
    return first, max(part.rfind(b"\n"), part.rfind(b"\r"))


def _check_beginning(beginning: bytes) -> None:
    if not beginning:
        raise UnreadableFile("file_empty", "The gzip file holds nothing: not even a header.")
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile("file_not_utf8", "The file is UTF-16: deliver it as UTF-8.")
    if b"\x00" in beginning:
        raise UnreadableFile("file_not_csv", "The file is binary: it has null bytes at its beginning.")


def _split(text: TextIO, columns: tuple[str, ...]) -> Iterator[Piece]:
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    header = _header(reader, columns)
    return _pieces(reader, lines, header, frozenset(columns))


def _header(reader: Iterator[list[str]], columns: tuple[str, ...]) -> list[str]:
    try:
        header = [name.strip().lower() for name in next(reader)]
    except (StopIteration, csv.Error) as error:
        raise UnreadableFile("file_not_csv", "The first line is no CSV header.") from error
    missing = [name for name in columns if name not in header]
    if len(missing) == len(columns):
        raise UnreadableFile("file_header_missing", "The first line names none of the known columns.")
    if missing:
        names = ", ".join(missing)
        raise UnreadableFile("file_columns_missing", f"The header lacks the columns {names}.")
    if len(header) > MOST_COLUMNS:
        about = f"The header names {len(header):,} columns, more than the {MOST_COLUMNS:,} that are read."
        raise UnreadableFile("file_columns_too_many", about)
    twice = sorted(name or "no name" for name, times in Counter(header).items() if times > 1)
    if twice:
        raise UnreadableFile("file_columns_twice", f"The header names {', '.join(twice)} twice.")
    return header


def _pieces(
    reader: Iterator[list[str]], lines: "_Lines", header: list[str], known: frozenset[str]
) -> Iterator[Piece]:
    yield Piece(lines.taken(), header)
    number = 0
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            raw = lines.taken()
            yield Piece(raw, header, _malformed(number, raw, f"it is not CSV: {error}"))
            continue
        raw = lines.taken()
        if not values:  # a blank line between records
            yield Piece(raw, header)
            continue
        number += 1
        if len(values) != len(header):
            about = f"it has {len(values)} fields where the header has {len(header)}"
            yield Piece(raw, header, _malformed(number, raw, about))
            continue
        yield Piece(raw, header, _record(number, dict(zip(header, values, strict=True)), known))


def _record(number: int, fields: dict[str, str], known: frozenset[str]) -> Record:
    problem = None
    # A whole record is tested first: the loop over its fields costs ten times as much.
    if _has_broken_bytes("".join(fields.values())):
        broken = sorted(name for name, value in fields.items() if _has_broken_bytes(value))
        about = f"{', '.join(broken)} has bytes that are not UTF-8"
        problem = Problem("invalid_utf8", broken[0], about)
        fields = {name: _printable(value) for name, value in fields.items()}
    extra = {name: value for name, value in fields.items() if name not in known}
    return Record(number, {k: v for k, v in fields.items() if k in known}, extra, problem)


def _malformed(number: int, raw: str, about: str) -> Record:
    return Record(
        number, {}, {"_raw": _printable(raw.rstrip("\r\n"))}, Problem("malformed_row", None, about)
    )


def _has_broken_bytes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _printable(text: str) -> str:
    r"""The text with each byte that is not UTF-8 written as \xNN, so that a person can mend it."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class _Lines:
    """The lines of a text, remembering those that the current record was read from."""

    def __init__(self, text: TextIO) -> None:
        self._lines = text
        self._read: list[str] = []
        self._size = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._read.append(line)
        self._size += len(line)
        if self._size > RECORD_SIZE:
            # csv's own error, for whoever reads from it: the next line begins a record.
            raise csv.Error(f"it has more than {RECORD_SIZE:,} characters")
        return line

    def taken(self) -> str:
        """What has been read since this was last asked for."""
        text = "".join(self._read)
        self._read.clear()
        self._size = 0
        return text
