"""The CSV file in which people get refused rows and give them back, mended or rejected."""

import csv
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TextIO

from spark_jobs.contracts.contract import Contract
from spark_jobs.errors import UsageError
from spark_jobs.quarantine.attempts import MEND, REJECT

#: For people: what they decide, why the row was refused, and the line of one that could not be split.
ID, DECISION, REASONS, RAW = "quarantine_id", "decision", "reasons", "raw"
#: What a spreadsheet takes for a formula, which may call programs: a number alone is none.
_FORMULA = re.compile(r"'*([=@\t\r]|[-+](?![0-9.,]+$))")


@dataclass(frozen=True)
class Correction:
    """What a person decided of one refused row; `record` holds its columns as mended, as text."""

    line: int
    row_id: str
    decision: str
    record: dict[str, str] | None


def write_refused(rows: Iterable[dict[str, Any]], contract: Contract, out: TextIO) -> int:
    """Write refused rows as a file that `read_corrections` reads once it is mended; return their number."""
    writer = csv.writer(out)
    writer.writerow([ID, DECISION, REASONS, *contract.names, RAW])
    number = 0
    for row in rows:
        number += 1
        record = json.loads(row["record"] or "{}")
        reasons = " | ".join(reason["sentence"] for reason in row["reasons"])
        values = [record.get(name) or "" for name in contract.names]
        raw = (record.get("_rescued") or {}).get("_raw", "")
        writer.writerow(map(_as_text, [row["_row_id"], "", reasons, *values, raw]))
    return number


def _as_text(value: str) -> str:
    """A value as a spreadsheet shows and never runs it: an apostrophe before what looks like a formula."""
    return f"'{value}" if _FORMULA.match(value) else value


def _as_delivered(value: str) -> str:
    """What `_as_text` was given."""
    return value[1:] if value.startswith("'") and _FORMULA.match(value) else value


def read_corrections(content: bytes, contract: Contract, name: str) -> list[Correction]:
    """The decisions in a corrections file; rows without one are left as they are.

    A file without the column `decision` mends every row that it holds. Raises UsageError that names the
    file and line.
    """
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = next(lines, [])
        _check_header(header, contract, name)
        rows = [(lines.line_num, values) for values in lines if values]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{name} is no CSV file in UTF-8: {error}.") from error
    decided = [_correction(line, header, values, contract, name) for line, values in rows]
    corrections = [correction for correction in decided if correction]
    if not corrections:
        raise UsageError(f"{name} decides nothing: write mend or reject into the column {DECISION}.")
    _check_once(corrections, name)
    return corrections


def _check_header(header: list[str], contract: Contract, name: str) -> None:
    known = {ID, DECISION, REASONS, RAW, *contract.names}
    missing = [column for column in (ID, *contract.names) if column not in header]
    unknown = [column for column in header if column not in known]
    if missing or unknown or len(set(header)) < len(header):
        about = (
            f"lacks {', '.join(missing)}" if missing else f"has unknown or repeated {', '.join(unknown)}"
        )
        raise UsageError(f"The header of {name} {about}: start from `spark-jobs quarantine export`.")


def _correction(
    line: int, header: list[str], values: list[str], contract: Contract, name: str
) -> Correction | None:
    if len(values) != len(header):
        raise UsageError(
            f"{name}, line {line}: it has {len(values)} fields where the header has {len(header)}."
        )
    row = dict(zip(header, map(_as_delivered, values), strict=True))
    decision = row.get(DECISION, MEND).strip().lower()
    if not decision:
        return None
    if decision not in (MEND, REJECT):
        raise UsageError(f"{name}, line {line}: the {DECISION} is neither {MEND} nor {REJECT} nor empty.")
    record = {column: row[column] for column in contract.names} if decision == MEND else None
    return Correction(line, row[ID].strip().lower(), decision, record)


def _check_once(corrections: list[Correction], name: str) -> None:
    lines: dict[str, int] = {}
    for correction in corrections:
        first = lines.setdefault(correction.row_id, correction.line)
        if first != correction.line:
            raise UsageError(f"{name}, line {correction.line}: its {ID} stands in line {first} too.")
