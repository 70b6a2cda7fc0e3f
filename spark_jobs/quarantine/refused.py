"""The quarantine's rows: what was refused, as it was delivered, with every reason in a sentence."""

import datetime as dt
import hashlib

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.bronze.files import FileRead
from spark_jobs.contracts.contract import Contract
from spark_jobs.lake.joins import matching, without
from spark_jobs.lake.tables import Table

OPEN, REPLAYED, REJECTED, SUPERSEDED = "open", "replayed", "rejected", "superseded"


def refused_rows(refused: DataFrame, bronze: DataFrame, contract: Contract) -> DataFrame:
    """Quarantine rows for refused ones.

    `refused` has `_row_id`, `_reasons` and `_rejected`; `bronze` is where those rows are as delivered, or
    as last mended.
    """
    # A delivery has no more refused rows than its limit allows, or is refused whole: small enough.
    reasons = F.broadcast(
        refused.selectExpr("_row_id AS _refused_id", "_reasons", "_rejected AS _given_up")
    )
    delivered = F.to_json(F.struct(*contract.names, "_rescued"))
    matches = F.col("_row_id") == F.col("_refused_id")
    return bronze.join(reasons, on=matches, how="inner").select(
        "_row_id",
        F.lit("row").alias("kind"),
        F.when(F.col("_given_up"), REJECTED).otherwise(OPEN).alias("state"),
        _located("_reasons").alias("reasons"),
        delivered.alias("record"),
        "_source_file",
        "_file_sha256",
        "_generation",
        "_row_number",
        "_delivery_date",
        F.lit(contract.version).alias("contract_version"),
    )


def _located(reasons: str) -> Column:
    """Each reason's sentence with file, row and column in front."""

    def locate(reason: Column) -> Column:
        column = F.coalesce(F.concat(F.lit(", column "), reason["column"]), F.lit(""))
        where = F.concat("_source_file", F.lit(", row "), F.col("_row_number").cast("string"), column)
        return reason.withField("sentence", F.concat(where, F.lit(": "), reason["sentence"]))

    return F.transform(reasons, locate)


def refused_files(
    spark: SparkSession,
    table: Table,
    files: list[FileRead],
    generations: dict[tuple[str, str], int],
    date: dt.date,
    contract: Contract,
) -> DataFrame:
    """Quarantine rows for files that cannot be read as CSV at all."""
    rows = []
    for file in files:
        if file.refused is None:
            continue
        sentence = f"{file.source_file}: {file.sentence}"
        values = {
            "_row_id": hashlib.sha256(f"{file.source_file}\n{file.sha256}".encode()).hexdigest(),
            "kind": "file",
            "state": OPEN,
            "reasons": [(file.refused, None, "error", sentence)],
            "record": None,
            "_source_file": file.source_file,
            "_file_sha256": file.sha256,
            "_generation": generations[file.source_file, file.sha256],
            "_row_number": None,
            "_delivery_date": date,
            "contract_version": contract.version,
        }
        rows.append(tuple(values[name] for name in table.schema.names))
    return spark.createDataFrame(rows, table.schema)


def with_newer_files(present: DataFrame, refused: DataFrame, newer: DataFrame) -> DataFrame:
    """The refused files that the quarantine should hold: the present ones and those refused now.

    `newer` has the newest generation (`_newest`) of files that have just been read: an older one of the
    same name that was refused is superseded.
    """
    kept = without(present, refused, ["_row_id"]).join(F.broadcast(newer), on="_source_file", how="left")
    replaced = (F.col("state") == OPEN) & (F.col("_generation") < F.col("_newest"))
    settled = kept.withColumn("state", F.when(replaced, SUPERSEDED).otherwise(F.col("state")))
    return refused.unionByName(settled.select(*refused.columns))


def settled(present: DataFrame, refused: DataFrame, superseded: DataFrame) -> DataFrame:
    """The rows that the quarantine should hold: those refused now, and the present ones settled.

    A present row that is no longer refused stays, as superseded where its `_row_id` is in
    `superseded`, else as replayed: it has been accepted. The quarantine forgets nothing.
    """
    names = present.columns
    gone = without(present, refused, ["_row_id"])
    replaced = matching(gone, superseded, ["_row_id"]).withColumn("state", F.lit(SUPERSEDED))
    replayed = without(gone, superseded, ["_row_id"]).withColumn("state", F.lit(REPLAYED))
    return refused.select(*names).unionByName(replaced).unionByName(replayed)


def keep_reasons(refused: DataFrame, present: DataFrame) -> DataFrame:
    """Refused rows; those that a person has rejected keep the reasons for which they were refused."""
    before = present.selectExpr("_row_id AS _before_id", "reasons AS _before")
    kept = F.when(F.col("state") == REJECTED, F.coalesce("_before", "reasons")).otherwise(F.col("reasons"))
    joined = refused.join(before, on=F.col("_row_id") == F.col("_before_id"), how="left")
    return joined.withColumn("reasons", kept).drop("_before_id", "_before")
