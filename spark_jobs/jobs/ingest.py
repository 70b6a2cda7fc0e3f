"""ingest: landing → Bronze. Everything as delivered, each file once."""

import datetime as dt

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.bronze.files import (
    FileRead,
    FilesRead,
    generations_of,
    next_generations,
    read_files,
)
from spark_jobs.errors import BadDelivery, JobError
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.erasures import keep_out
from spark_jobs.lake.tables import MANIFEST
from spark_jobs.landing.delivery import Delivery, find_delivery
from spark_jobs.quarantine.refused import refused_files, with_newer_files

Generations = dict[tuple[str, str], int]


def ingest(job: JobContext) -> None:
    """Append the delivery's new files to Bronze, and quarantine those that cannot be read.

    A file is known by its path and its content's hash: the same again is nothing, changed content
    is a new generation beside the first. Raises DeliveryNotThere, or BadDelivery where not one of
    the delivery's files can be read. Records of people who have been erased are taken out of the files
    before, and counted as `rows_erased`: rows delivered = rows_in + rows_erased.
    """
    with job.run.stage("find"):
        delivery = find_delivery(job.spark, job.settings.landing_root, job.contract.dataset, job.date)
        if keep_out(job, delivery.folder):
            delivery = find_delivery(job.spark, job.settings.landing_root, job.contract.dataset, job.date)
    # Bronze is the proof, since a file's rows are committed at once; the manifest is its index, and
    # knows besides the files that brought no row. A file in Bronze alone is one whose run was
    # killed between the two commits: it is read again for the index, and its rows are not.
    with job.run.stage("read"):
        number = job.lake.next_number(job.tables.bronze, _application(job))
        indexed, in_bronze = job.lake.together(
            lambda: generations_of(_manifest(job)), lambda: generations_of(_bronze(job))
        )
        read = read_files(job.spark, delivery, job.contract, set(indexed))
    generations = next_generations(read.files, indexed | in_bronze)
    with job.run.stage("write"):
        try:
            _quarantine(job, read.files, generations)
            _append(job, read, generations, set(in_bronze), number)
        finally:
            read.release()
        _index(job, read.files, generations)
    _tell(job, delivery, read.files)
    _refuse_if_nothing_is_readable(job, delivery, read.files, set(indexed))


def _bronze(job: JobContext) -> DataFrame:
    return job.lake.read(job.tables.bronze).where(F.col("_delivery_date") == job.date)


def _manifest(job: JobContext) -> DataFrame:
    of_dataset = F.col("dataset") == job.contract.dataset
    return job.lake.read(MANIFEST).where(of_dataset & (F.col("_delivery_date") == job.date))


def _application(job: JobContext) -> str:
    return f"ingest/{job.tables.bronze.name}/{job.date}"


def _quarantine(job: JobContext, files: list[FileRead], generations: Generations) -> None:
    """Quarantine the files that cannot be read, and settle those that have been delivered again."""
    again = {f.source_file: generations[f.source_file, f.sha256] for f in files}
    if not any(file.refused for file in files) and max(again.values(), default=1) == 1:
        return
    table = job.tables.quarantine
    refused = [file for file in files if file.refused]
    rows = refused_files(job.spark, table, refused, generations, job.date, job.contract)
    of_day = (F.col("_delivery_date") == job.date) & (F.col("kind") == "file")
    present = job.lake.read(table).where(of_day).localCheckpoint()
    newer = job.spark.createDataFrame(list(again.items()), "_source_file string, _newest int")
    job.lake.sync(table, with_newer_files(present, rows, newer), present)


def _append(
    job: JobContext,
    read: FilesRead,
    generations: Generations,
    in_bronze: set[tuple[str, str]],
    number: int,
) -> None:
    new = {(f.source_file, f.sha256) for f in read.files if f.rows} - in_bronze
    if not new:
        return
    bronze = job.tables.bronze
    chosen = {pair: generations[pair] for pair in new}
    rows = read.rows(bronze, chosen, job.date, dt.datetime.now(dt.UTC))
    # Two drivers that saw the same of this delivery in Bronze hold the same number: only one commits.
    job.lake.append(bronze, rows, (_application(job), number))
    if new - set(generations_of(_bronze(job))):
        raise JobError(f"Another run ingested the delivery of {job.date} at the same time: run again.")


def _index(job: JobContext, files: list[FileRead], generations: Generations) -> None:
    """Bring the manifest up to what was read."""
    now = dt.datetime.now(dt.UTC)
    entries = [
        (
            job.contract.dataset,
            file.source_file,
            file.sha256,
            generations[file.source_file, file.sha256],
            job.date,
            file.size,
            file.rows,
            file.malformed_rows,
            "refused" if file.refused else "ingested",
            file.refused,
            now,
        )
        for file in files
    ]
    if entries:
        job.lake.append(MANIFEST, job.spark.createDataFrame(entries, MANIFEST.schema).coalesce(1))


def _tell(job: JobContext, delivery: Delivery, files: list[FileRead]) -> None:
    job.run.rows.update(
        files=len(delivery.files),
        files_known=len(delivery.files) - len(files),
        files_quarantined=sum(1 for file in files if file.refused),
        rows_in=sum(file.rows for file in files),
        rows_malformed=sum(file.malformed_rows for file in files),
    )
    size = sum(file.size for file in files)
    job.run.measures.update(delivered_files=float(len(files)), delivered_bytes=float(size))
    for file in files:
        if file.refused:
            job.run.notes.append(f"{file.source_file}: {file.sentence} It is in the quarantine.")
        elif not file.rows:
            job.run.notes.append(f"{file.source_file}: The file has a header and no rows.")
    for name, why in delivery.ignored.items():
        job.run.notes.append(f"{delivery.dataset}/{delivery.date}/{name}: Ignored, since {why}.")


def _refuse_if_nothing_is_readable(
    job: JobContext, delivery: Delivery, files: list[FileRead], known: set[tuple[str, str]]
) -> None:
    if any(not file.refused for file in files):
        return
    refused = {
        row[0] for row in _manifest(job).where("status = 'refused'").select("_file_sha256").collect()
    }
    if all(sha256 in refused for _, sha256 in known):
        raise BadDelivery(
            f"No file of the delivery of {job.date} can be read as CSV; all {len(delivery.files)} are "
            "in the quarantine. Deliver them again."
        )
