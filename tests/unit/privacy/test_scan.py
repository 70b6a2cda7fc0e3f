"""The scan that proves an erasure finds what it is made to find."""

import base64
import gzip
import json
import urllib.parse
from pathlib import Path

from pyspark.sql import SparkSession

from spark_jobs.privacy.scan import scan

PERSON = "Cañary-07@example.org"
OTHER = "nobody-here-01"


def test_every_encoding_is_found(spark: SparkSession, tmp_path: Path) -> None:
    hidden = {
        "plain": f"x{PERSON}y".encode(),
        "lower": PERSON.lower().encode(),
        "upper": PERSON.upper().encode(),
        "reversed": PERSON[::-1].encode(),
        "utf-16-le": ("z" + PERSON).encode("utf-16-le"),
        "utf-16-be": ("z" + PERSON).encode("utf-16-be"),
        "hex": PERSON.encode().hex().encode(),
        "HEX": PERSON.encode().hex().upper().encode(),
        "base64-0": base64.b64encode(f"abc{PERSON}xyz".encode()),
        "base64-1": base64.b64encode(f"abcd{PERSON}xyz".encode()),
        "base64-2": base64.b64encode(f"abcde{PERSON}xyz".encode()),
        "base64-url": base64.urlsafe_b64encode(f"??{PERSON}??".encode()),
        "url": urllib.parse.quote(PERSON).encode(),
        "json": json.dumps({"email": PERSON}).encode(),
        "gzip": gzip.compress(b"," + PERSON.encode() + b","),
    }
    for name, content in hidden.items():
        (tmp_path / name).write_bytes(content)
    spark.createDataFrame([(PERSON, n) for n in range(9)], "email string, n int").coalesce(1).write.parquet(
        str(tmp_path / "table"), compression="zstd"
    )
    (tmp_path / PERSON.lower()).write_bytes(b"")
    result = scan(spark, [tmp_path], [PERSON, OTHER])
    assert result.unreadable == () and result.identifiers == {PERSON}
    found = {Path(finding.file).name for finding in result.findings}
    table = {name for name in found if name.endswith(".zstd.parquet")}
    assert found - table == {*hidden, PERSON.lower()} and len(table) == 1


def test_what_cannot_be_read_is_said(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "broken.gz").write_bytes(gzip.compress(b"0123456789" * 99)[:-9])
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and then nothing")
    assert len(scan(spark, [tmp_path], [PERSON]).unreadable) == 2
