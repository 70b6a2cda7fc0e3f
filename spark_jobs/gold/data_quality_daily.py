"""gold/data_quality_daily: what became of each delivery's rows, and whether it is like those before it.

One row a delivery and not one a measure: its figures are of one law (what came in is what came out), and
whoever reads one needs the others beside it. Only the reasons are many and grow with the contract: they
are a map, which `explode` makes rows of.

A row is what the lake says of the delivery and of earlier ones as they are now: nothing in it depends
on the order or the time at which they were run.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.gold.groups import MONEY, SMALLEST_GROUP, paid_salary
from spark_jobs.lake.tables import Table
from spark_jobs.usual import Limits, judge

LOADED, REFUSED, WAITING = "loaded", "refused", "waiting"

TABLE = Table(
    name="gold/data_quality_daily",
    description=(
        "What became of each delivery's rows, by its last etl and today's quarantine. status: loaded (in "
        "Silver), refused (whole: too many of its rows, or all of its files), or waiting. rows_delivered "
        "= rows_accepted + rows_duplicate + rows_superseded + rows_refused + rows_withheld, or conserved "
        "is false: duplicates equal another row, superseded ones gave way to a newer row of their key in "
        "the delivery, withheld ones are good but of a delivery that is refused whole. rows_late: of the "
        "accepted, those whose key an earlier delivery had newer; rows_collided: of the refused, those "
        "that contradict others; rows_rejected: of the refused, those that a person gave up. "
        "refused_by_reason: rows by code of the contract, one with several under each. quarantine_share: "
        "refused out of delivered, 0 to 1. payroll: known salaries of the accepted rows, in US dollars; "
        "null for one or two paid people. verdicts: usual, low, high, very_low, very_high against the "
        "loaded deliveries before it, or unknown; unusual_accepted: a person let it pass. Null: not "
        "known, until etl has run for it."
    ),
    columns=(
        "delivery_date date, status string, rows_delivered bigint, rows_accepted bigint, "
        "rows_duplicate bigint, rows_superseded bigint, rows_refused bigint, rows_withheld bigint, "
        "conserved boolean, rows_late bigint, rows_collided bigint, rows_rejected bigint, "
        "files_refused bigint, refused_by_reason map<string,bigint>, quarantine_share double, "
        "payroll decimal(16,2), rows_verdict string, payroll_verdict string, unusual_accepted boolean"
    ),
    key=("delivery_date",),
    statistics=("delivery_date",),
    deletion_vectors=False,
)
_COLLISIONS = ("sequence_conflict", "identity_conflict")
#: Rows of the quarantine that count as refused; the others have been accepted or replaced since.
_REFUSED = "kind = 'row' AND state IN ('open', 'rejected')"


def data_quality_daily(
    told: DataFrame, quarantine: DataFrame, staged: DataFrame, loaded: DataFrame, limits: Limits
) -> DataFrame:
    """One row for each delivery that has been told of, or of which something is staged or refused.

    told: what the ledger says of each delivery (`ledger.deliveries`). quarantine: all its rows. staged: the
    rows staged now (`_row_id`, `_delivery_date`, `_key`, `_at`, `_deleted`, `salary`), one a key and
    delivery. loaded: `_delivery_date` of the deliveries that Silver is made of.
    """
    refused = _refused_rows(quarantine)
    compared = _compared(staged, refused)
    good = accepted(staged, quarantine)
    back = compared.where("NOT _held").select("_row_id")
    refused = refused.join(F.broadcast(back), on="_row_id", how="left_anti")
    frames = (figures(good), _late(good, loaded), _refused(refused), _files(quarantine), _in_silver(loaded))
    rows = told
    for frame in frames:
        rows = rows.unionByName(frame, allowMissingColumns=True)
    known = [name for name in rows.columns if name != "_delivery_date"]
    # Each frame has one row a delivery: together they are one aggregation where joins would be five.
    rows = rows.groupBy("_delivery_date").agg(*(F.any_value(n, F.lit(True)).alias(n) for n in known))
    rows = rows.where("coalesce(_delivered, _rows, _refused, _files) IS NOT NULL")
    for step in (_STATUS, _OUTCOMES, _CHECKS):
        rows = rows.withColumns({name: F.expr(expression) for name, expression in step.items()})
    return _judged(rows, limits).select(*TABLE.schema.names)


_STATUS = {
    "delivery_date": "_delivery_date",
    # One that had other files before may have been loaded then: it is refused until it is mended.
    "status": (
        f"CASE WHEN _whole OR (_delivered IS NULL AND _rows IS NULL AND _files > 0) THEN '{REFUSED}' "
        f"WHEN _loaded THEN '{LOADED}' ELSE '{WAITING}' END"
    ),
}
#: Where no file can be read etl has nothing to tell, and no row came in.
_NONE_CAME = f"CASE WHEN status = '{REFUSED}' THEN 0L END"
_OUTCOMES = {
    "rows_delivered": f"coalesce(_delivered, {_NONE_CAME})",
    "rows_accepted": f"CASE WHEN status = '{REFUSED}' THEN 0L ELSE coalesce(_rows, 0L) END",
    "rows_duplicate": f"coalesce(_duplicate, {_NONE_CAME})",
    "rows_superseded": f"coalesce(_superseded, {_NONE_CAME})",
    "rows_refused": "coalesce(_refused, 0L)",
    "rows_withheld": f"CASE WHEN status = '{REFUSED}' THEN coalesce(_staged, 0L) ELSE 0L END",
    "rows_late": "coalesce(_late, 0L)",
    "rows_collided": "coalesce(_collided, 0L)",
    "rows_rejected": "coalesce(_rejected, 0L)",
    "files_refused": "coalesce(_files, 0L)",
    "refused_by_reason": "coalesce(_by_reason, CAST(map() AS map<string,bigint>))",
    "payroll": f"CASE WHEN status <> '{REFUSED}' THEN _payroll END",
    "unusual_accepted": "coalesce(_by_hand, false)",
    # A delivery of which nothing is left to load has no rows; one that was taken back is not known.
    "_volume": (
        f"CASE WHEN status = '{REFUSED}' THEN NULL WHEN _rows IS NOT NULL THEN _rows "
        "WHEN _delivered IS NOT NULL THEN 0L END"
    ),
}
_CHECKS = {
    "conserved": (
        "rows_delivered = rows_accepted + rows_duplicate + rows_superseded + rows_refused + rows_withheld"
    ),
    "quarantine_share": "CASE WHEN rows_delivered > 0 THEN round(rows_refused / rows_delivered, 6) END",
}


def accepted(staged: DataFrame, quarantine: DataFrame) -> DataFrame:
    """The staged rows that no other delivery contradicts."""
    held = _refused_rows(quarantine).where("_held").select("_row_id")
    return staged.join(F.broadcast(held), on="_row_id", how="left_anti")


def _refused_rows(quarantine: DataFrame) -> DataFrame:
    """The quarantine's rows that count as refused; `_held` if only other rows speak against them."""
    rows = quarantine.where(_REFUSED).selectExpr(
        "_row_id", "_delivery_date", "state", "array_distinct(reasons.code) AS _codes"
    )
    return rows.withColumn("_held", F.size(F.array_except("_codes", _collisions())) == 0)


def _compared(staged: DataFrame, refused: DataFrame) -> DataFrame:
    """Refused rows that are staged nevertheless, by `_row_id` and `_held`.

    Those that are held are staged, and left out by load. A rule's refused row is never staged, but where a
    restore has gone back to before it was refused: then it is accepted.
    """
    return staged.select("_row_id").join(
        F.broadcast(refused.select("_row_id", "_held")), "_row_id", "inner"
    )


def _collisions() -> Column:
    return F.array(*(F.lit(code) for code in _COLLISIONS))


def figures(good: DataFrame) -> DataFrame:
    """Each delivery's accepted rows (`_rows`) and their payroll (`_payroll`).

    The payroll is null for one or two paid people, whose salaries it would tell, and where fewer than three
    people are employed at all, of whom nobody can say that their salaries are missing.
    """
    paid, employed = F.count(paid_salary()), F.count_if(~F.col("_deleted"))
    told = (paid >= SMALLEST_GROUP) | ((paid == 0) & (employed >= SMALLEST_GROUP))
    total = F.coalesce(F.sum(paid_salary()), F.lit(0)).cast(MONEY)
    return good.groupBy("_delivery_date").agg(
        F.count("*").alias("_rows"), F.when(told, total).alias("_payroll")
    )


def _late(good: DataFrame, loaded: DataFrame) -> DataFrame:
    """How many rows of each delivery came after a newer one of their key, by the deliveries' dates."""
    rows = good.join(F.broadcast(loaded), on="_delivery_date", how="left_semi")
    earlier = Window.partitionBy("_key").orderBy("_delivery_date")
    newest = F.max("_at").over(earlier.rowsBetween(Window.unboundedPreceding, -1))
    marked = rows.select("_delivery_date", (F.col("_at") < newest).alias("_is_late"))
    return marked.groupBy("_delivery_date").agg(F.count_if("_is_late").alias("_late"))


def _refused(rows: DataFrame) -> DataFrame:
    collided = F.arrays_overlap("_codes", _collisions())
    counts = rows.groupBy("_delivery_date").agg(
        F.count("*").alias("_refused"),
        F.count_if(collided).alias("_collided"),
        F.count_if(F.col("state") == "rejected").alias("_rejected"),
    )
    by_code = rows.select("_delivery_date", F.explode("_codes").alias("code"))
    by_code = by_code.groupBy("_delivery_date", "code").count()
    entries = F.array_sort(F.collect_list(F.struct("code", "count")))
    reasons = by_code.groupBy("_delivery_date").agg(F.map_from_entries(entries).alias("_by_reason"))
    return counts.join(reasons, on="_delivery_date", how="left")


def _files(quarantine: DataFrame) -> DataFrame:
    files = quarantine.where("kind = 'file' AND state = 'open'")
    return files.groupBy("_delivery_date").agg(F.count("*").alias("_files"))


def _in_silver(loaded: DataFrame) -> DataFrame:
    return loaded.select("_delivery_date", F.lit(True).alias("_loaded")).distinct()


def _judged(rows: DataFrame, limits: Limits) -> DataFrame:
    """The verdicts on each delivery's volume and payroll, after the loaded deliveries before it.

    A Python function, so that the rule stands once (`usual.judge`), and since medians of medians as
    expressions of Spark's take it seconds to analyse.
    """
    before = Window.orderBy("_delivery_date").rowsBetween(Window.unboundedPreceding, -1)
    verdict = F.udf(lambda value, known: judge(value, known, limits), "string")
    for name, figure in (("rows_verdict", "_volume"), ("payroll_verdict", "payroll")):
        value = F.col(figure).cast("double")
        usable = F.collect_list(F.when(F.col("_loaded") & (value > 0), value)).over(before)
        newest_first = F.slice(F.reverse(usable), 1, limits.history)
        rows = rows.withColumn("_known", newest_first).withColumn(name, verdict(value, "_known"))
    return rows
