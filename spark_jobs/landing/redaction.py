"""Delivered files without the records of some people, every other byte as it was."""

import csv
import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from spark_jobs.landing.csv_file import BOM, GZIP, MAX_UNPACKED, Piece, UnreadableFile, decoded, split_text

Fields = Mapping[str, str | None]


class Rule(Protocol):
    """What stays of a record (spark_jobs/privacy/erasure.py)."""

    def what_stays(self, fields: Fields, extra: Fields) -> Fields | None:
        """What stays of the values that the contract does not know; None where the record goes whole."""
        ...

    def lines_that_stay(self, text: str) -> str:
        """A text without the lines that have to go."""
        ...

    def named_in(self, text: str | None) -> bool:
        """Whether a text holds what has to go."""
        ...


@dataclass(frozen=True)
class Redaction:
    """What has become of a file's content; None where it cannot be rewritten but should be."""

    content: bytes | None
    records: int


def redact(content: bytes, columns: tuple[str, ...], rule: Rule) -> Redaction | None:
    """A file's content without what the rule takes out; None where the rule finds nothing in it."""
    try:
        text = decoded(content)
    except UnreadableFile:
        return _redact_unreadable(content, rule)
    mark, text = (BOM, text.removeprefix(BOM)) if text.startswith(BOM) else ("", text)
    try:
        pieces = split_text(text, columns)
    except UnreadableFile:
        # No header to split by: the file was refused, and is searched line by line.
        kept, records = _without_lines(text, rule)
    else:
        kept, records = "", 0
        parts = []
        for piece in pieces:
            stays = _what_stays(piece, rule)
            records += stays != piece.text
            parts.append(stays)
        kept = "".join(parts)
    if kept == text:
        return None
    return Redaction(_packed_like(content, (mark + kept).encode("utf-8", "surrogateescape")), records)


def _what_stays(piece: Piece, rule: Rule) -> str:
    record = piece.record
    if record is None:
        return piece.text
    extra = rule.what_stays(record.fields, record.extra)
    if extra is None:
        return ""
    if extra == record.extra:
        return piece.text
    if not record.fields:
        return rule.lines_that_stay(piece.text)
    return _with_values(piece, extra)


def _with_values(piece: Piece, extra: Fields) -> str:
    """A record with other values in the columns that the contract does not know."""
    values = next(csv.reader(io.StringIO(piece.text, newline="")))
    new = [str(extra.get(name, value)) for name, value in zip(piece.columns, values, strict=True)]
    bare = piece.text.rstrip("\r\n")
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=piece.text[len(bare) :]).writerow(new)
    return text.getvalue()


def _without_lines(text: str, rule: Rule) -> tuple[str, int]:
    kept = rule.lines_that_stay(text)
    return kept, len(text.splitlines()) - len(kept.splitlines())


def _redact_unreadable(content: bytes, rule: Rule) -> Redaction | None:
    """UTF-16 is searched by lines; what is no text is only searched, for a person to see to."""
    encoding = next((e for bom, e in _WIDE.items() if content.startswith(bom)), None)
    if encoding:
        try:
            text = content[2:].decode(encoding)
        except UnicodeDecodeError:
            pass
        else:
            kept, records = _without_lines(text, rule)
            return None if kept == text else Redaction(content[:2] + kept.encode(encoding), records)
    return Redaction(None, 0) if rule.named_in(searchable_text(content)) else None


def searchable_text(content: bytes) -> str:
    """All that can be read of a file's bytes as text, whatever they are: to search it, not to split it."""
    data = _unpacked_as_far_as_it_goes(content)
    encodings = ("utf-8", "utf-16-le", "utf-16-be") if b"\x00" in data else ("utf-8",)
    return "\n".join(data.decode(encoding, "replace") for encoding in encodings)


_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def _unpacked_as_far_as_it_goes(content: bytes) -> bytes:
    if not content.startswith(GZIP):
        return content
    data, packed = bytearray(), gzip.GzipFile(fileobj=io.BytesIO(content))
    try:
        # Further than a file is read there is nothing that anybody has read.
        while len(data) <= MAX_UNPACKED and (chunk := packed.read1(1 << 16)):
            data += chunk
    except (OSError, EOFError):
        pass
    return bytes(data)


def _packed_like(content: bytes, data: bytes) -> bytes:
    """Data, packed if the content it takes the place of was: without a time, so that the same comes out."""
    return gzip.compress(data, mtime=0) if content.startswith(GZIP) else data
