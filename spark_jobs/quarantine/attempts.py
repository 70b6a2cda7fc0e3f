"""Attempts to bring refused rows back, and the rows as people have mended them."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.contract import Contract

#: A mended row's columns, each as text.
_AS_MAP = "from_json(record, 'map<string,string>') AS _record"
MEND, REJECT, RETRY = "mend", "reject", "retry"


def decided(bronze: DataFrame, attempts: DataFrame, contract: Contract) -> DataFrame:
    """Bronze rows as people have decided of them.

    A mended row has the columns of its newest mend in place of the delivered ones, and stays where it
    was delivered: its file, number and `_row_id`. Adds `_rejected`.
    """
    rows = bronze.join(F.broadcast(_newest_decision(attempts)), on="_row_id", how="left")
    mended = F.expr(f"_decision <=> '{MEND}'")
    columns = {
        name: F.when(mended, F.col("_record")[name]).otherwise(F.col(name)) for name in contract.names
    }
    problem = {name: F.when(~mended, F.col(name)) for name in ("_rescued", "_problem")}
    rejected = {"_rejected": F.expr(f"_decision <=> '{REJECT}'")}
    return rows.withColumns({**columns, **problem, **rejected}).select(*bronze.columns, "_rejected")


def undecided(bronze: DataFrame) -> DataFrame:
    """Bronze rows of which nobody has decided anything."""
    return bronze.withColumn("_rejected", F.lit(False))


def _newest_decision(attempts: DataFrame) -> DataFrame:
    newest = Window.partitionBy("_row_id").orderBy(F.desc("at"), "attempt_id")
    made = attempts.where(F.col("decision").isin(MEND, REJECT))
    first = made.withColumn("_number", F.row_number().over(newest)).where("_number = 1")
    return first.selectExpr("_row_id", "decision AS _decision", _AS_MAP)
