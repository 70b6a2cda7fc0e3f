"""Landing files without the records of erased people, known to ingest as what they were."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.bronze.files import generations_of
from spark_jobs.errors import JobError
from spark_jobs.jobs.context import JobContext
from spark_jobs.lake import storage
from spark_jobs.lake.tables import MANIFEST
from spark_jobs.landing.csv_file import MAX_BYTES
from spark_jobs.landing.redaction import Redaction, redact, searchable_text
from spark_jobs.privacy.erasure import ErasedPeople

REDACTED, REFUSED = "redacted", "refused"


@dataclass(frozen=True)
class Redacted:
    """What was rewritten: files and records in them; `left` are files that could not be."""

    files: int
    records: int
    left: tuple[str, ...]


@dataclass(frozen=True)
class _Plan:
    """One file's new content, by its hash."""

    path: str
    source_file: str
    sha256: str
    redacted_sha256: str
    size: int
    records: int


def redact_landing(job: JobContext, people: ErasedPeople, folder: str) -> Redacted:
    """Rewrite the files under a folder of the landing zone that hold records of erased people.

    New content is in the manifest, with the generation of the old, before it is in the landing zone: ingest
    knows it whenever this is killed.
    """
    plans, left = [], _too_large(job, folder)
    for path in _files_with(job, people, folder):
        content, redaction = _redacted(job, people, path)
        if redaction is None:
            continue
        source_file = _source_file(job, path)
        if redaction.content is None:
            left.append(source_file)
            continue
        hashes = hashlib.sha256(content).hexdigest(), hashlib.sha256(redaction.content).hexdigest()
        plans.append(_Plan(path, source_file, *hashes, len(redaction.content), redaction.records))
    _register(job, plans)
    for plan in plans:
        content, redaction = _redacted(job, people, plan.path)
        if redaction is None or redaction.content is None or _sha256(content) != plan.sha256:
            raise JobError(f"{plan.source_file} changed while it was being redacted: run again.")
        storage.replace_file(job.spark, plan.path, redaction.content)
    return Redacted(len(plans), sum(plan.records for plan in plans), tuple(left))


def people_in_landing(job: JobContext, people: ErasedPeople, folder: str) -> set[str]:
    """The people, by pseudonym, whose employee_id is a word of a file under a folder."""
    found: set[str] = set()
    for path in _files_with(job, people, folder):
        found |= people.people_in(searchable_text(storage.read_file(job.spark, path)))
    return found


def _files_with(job: JobContext, people: ErasedPeople, folder: str) -> list[str]:
    """The files that have something of erased people in them."""
    files = storage.walk_files(job.spark, folder)
    hidden = [
        file.path for file in files if file.size <= MAX_BYTES and _is_hidden(_source_file(job, file.path))
    ]
    seen = [file.path for file in files if 0 < file.size <= MAX_BYTES]
    columns = job.contract.names

    def search(row: Any) -> Iterator[str]:
        if redact(bytes(row.content), columns, people) is not None:
            yield row.path

    if not seen:
        return []
    reader = job.spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    # Spark looks at the length before it reads the content.
    small = reader.load(folder).where(F.col("length") <= MAX_BYTES)
    content = small.select("path", "content").rdd
    tasks = max(1, min(len(seen), job.spark.sparkContext.defaultParallelism))
    found = content.repartition(tasks).flatMap(search).collect()
    # Spark's reader leaves hidden files out.
    return sorted({*found, *hidden})


def _too_large(job: JobContext, folder: str) -> list[str]:
    """The files that nobody reads, so that nobody knows whom they name."""
    files = storage.walk_files(job.spark, folder)
    return [_source_file(job, file.path) for file in files if file.size > MAX_BYTES]


def _redacted(job: JobContext, people: ErasedPeople, path: str) -> tuple[bytes, Redaction | None]:
    content = storage.read_file(job.spark, path)
    return content, redact(content, job.contract.names, people)


def _register(job: JobContext, plans: list[_Plan]) -> None:
    """Enter the new content of files that are known, as the same generation, in the manifest."""
    names = sorted({plan.source_file for plan in plans})
    if not names:
        return
    of_files = F.col("_source_file").isin(names)
    manifest = job.lake.read(MANIFEST).where((F.col("dataset") == job.contract.dataset) & of_files)
    known = {(row["_source_file"], row["_file_sha256"]): row for row in manifest.collect()}
    generations = generations_of(job.lake.read(job.tables.bronze).where(of_files))
    generations |= {pair: row["_generation"] for pair, row in known.items()}
    now = dt.datetime.now(dt.UTC)
    rows = []
    for plan in plans:
        old, new = (plan.source_file, plan.sha256), (plan.source_file, plan.redacted_sha256)
        if old not in generations or new in generations:
            continue
        entry = known[old].asDict() if old in known else {}
        refused = entry.get("status") == REFUSED
        rows.append(
            (
                job.contract.dataset,
                plan.source_file,
                plan.redacted_sha256,
                generations[old],
                dt.date.fromisoformat(plan.source_file.split("/")[1]),
                plan.size,
                entry.get("rows"),
                entry.get("malformed_rows"),
                # A file that could not be read cannot be read without some of its lines either.
                REFUSED if refused else REDACTED,
                entry.get("reason"),
                now,
            )
        )
    if rows:
        job.lake.append(MANIFEST, job.spark.createDataFrame(rows, MANIFEST.schema).coalesce(1))


def _source_file(job: JobContext, path: str) -> str:
    """A file's path relative to the landing zone, as Bronze and the manifest have it."""
    return path.split(f"{job.settings.landing_root}/", 1)[-1]


def _is_hidden(source_file: str) -> bool:
    return any(part.startswith((".", "_")) for part in source_file.split("/"))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
