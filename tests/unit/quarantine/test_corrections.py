"""The file in which people mend refused rows: a spreadsheet opens it, so nothing in it may be a formula."""

import csv
import io
import json

import pytest

from spark_jobs.contracts.contract import Contract
from spark_jobs.quarantine.corrections import read_corrections, write_refused

FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "'=1",
    "''=1",
    "=",
    "-",
    "+1-212-555",
]
PLAIN = ["", "-", "Derek", "-1", "+5.00", "-1,000", "'tis", "a=b", "9-1"]


def exported(contract: Contract, value: str) -> tuple[str, bytes]:
    """What a spreadsheet finds of a refused row's first name, and the file, in which it is to be mended."""
    out = io.StringIO(newline="")
    record = json.dumps({"first_name": value})
    write_refused([{"_row_id": "1", "record": record, "reasons": []}], contract, out)
    (row,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    return row["first_name"], out.getvalue().replace("\r\n1,,", "\r\n1,mend,").encode()


@pytest.mark.parametrize("value", [*FORMULAS, *PLAIN])
def test_what_is_exported_is_no_formula_and_comes_back_as_it_was(contract: Contract, value: str) -> None:
    shown, file = exported(contract, value)
    assert shown == (f"'{value}" if value in FORMULAS else value)
    (correction,) = read_corrections(file, contract, "mended.csv")
    assert correction.record and correction.record["first_name"] == value
