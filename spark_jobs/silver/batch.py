"""A delivery's judged rows, each with its outcome: staged, duplicate, superseded or quarantined.

Looks at each delivery alone, so that the outcome does not depend on when it arrived; what
deliveries say against each other is for `versions`. In this order:

1. A row with a failed rule, or that a person has rejected, is quarantined, unless a newer generation of
   its file replaced it.
2. A row whose key stands in a newer generation of the same file is superseded.
3. Of rows equal in every delivered column the first stays, the others are duplicates.
4. Rows of one key and sequence with different content contradict each other: all quarantined.
5. Rows of one person with different values in a column that never changes: all quarantined.
6. Of the rows of one key the newest is staged, the others are superseded.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.contract import Contract
from spark_jobs.silver.rules import reason

STAGED, DUPLICATE, SUPERSEDED, QUARANTINED = "staged", "duplicate", "superseded", "quarantined"
OUTCOMES = (STAGED, DUPLICATE, SUPERSEDED, QUARANTINED)

SEQUENCE_CONFLICT = "sequence_conflict"
IDENTITY_CONFLICT = "identity_conflict"


def reduce_batch(judged: DataFrame, contract: Contract) -> DataFrame:
    """Rows with `_outcome`; `_reasons` grows by the collisions that were found.

    Every window is within one person: rows that are grouped by person are not shuffled again.
    """
    rows = _mark_replaced(judged, contract)
    rows = _mark_duplicates(rows, contract)
    rows = _mark_sequence_conflicts(rows, contract)
    rows = _mark_identity_conflicts(rows, contract)
    return _mark_superseded(rows, contract)


def _mark_replaced(rows: DataFrame, contract: Contract) -> DataFrame:
    by_key = Window.partitionBy(contract.person, "_source_file", *_rest_of_key(contract))
    refused = (F.size("_reasons") > 0) | F.col("_rejected")
    newest_of_key = F.max(F.when(~refused, F.col("_generation"))).over(by_key)
    replaced = F.when(refused, F.col("_generation") < F.col("_newest_generation")).otherwise(
        F.col("_generation") < newest_of_key
    )
    # Only the latest generation of a file counts for its refused rows: it was sent to mend them.
    newest = rows.groupBy("_source_file").agg(F.max("_generation").alias("_newest_generation"))
    rows = rows.join(newest, on="_source_file", how="left")
    outcome = F.when(replaced, F.lit(SUPERSEDED)).when(refused, F.lit(QUARANTINED))
    return rows.withColumn("_outcome", outcome).drop("_newest_generation")


def _mark_duplicates(rows: DataFrame, contract: Contract) -> DataFrame:
    same = Window.partitionBy(*_ordered_key(contract), contract.sequence, content(contract), _open())
    first = F.row_number().over(same.orderBy("_source_file", "_row_number", "_generation"))
    return _settle(rows, _open() & (first > 1), DUPLICATE)


def _mark_sequence_conflicts(rows: DataFrame, contract: Contract) -> DataFrame:
    at_once = Window.partitionBy(*_ordered_key(contract), contract.sequence)
    said = F.when(_open(), content(contract))
    differs = ~F.min(said).over(at_once).eqNullSafe(F.max(said).over(at_once))
    return _refuse(rows, _open() & differs, SEQUENCE_CONFLICT, contract.sequence, SEQUENCE_SENTENCE)


def _mark_identity_conflicts(rows: DataFrame, contract: Contract) -> DataFrame:
    person = Window.partitionBy(contract.person, "_delivery_date")
    # Rows refused just now for their sequence still say who the person is.
    said = _open() | F.exists("_reasons", lambda r: r["code"] == SEQUENCE_CONFLICT)
    states = said & (F.col(contract.operation) != contract.delete_operation)
    for name in contract.immutable:
        value = F.when(states, F.col(name))
        differs = F.min(value).over(person) != F.max(value).over(person)
        rows = rows.withColumn(f"_differs_{name}", states & F.coalesce(differs, F.lit(False)))
    for name in contract.immutable:
        sentence = identity_sentence(name)
        rows = _refuse(rows, F.col(f"_differs_{name}"), IDENTITY_CONFLICT, name, sentence)
    return rows.drop(*(f"_differs_{name}" for name in contract.immutable))


def _mark_superseded(rows: DataFrame, contract: Contract) -> DataFrame:
    newest = Window.partitionBy(*_ordered_key(contract), _open()).orderBy(F.desc(contract.sequence))
    outcome = F.when(F.row_number().over(newest) == 1, STAGED).otherwise(SUPERSEDED)
    return rows.withColumn("_outcome", F.coalesce("_outcome", outcome))


SEQUENCE_SENTENCE = "Rows of this key and the same time say different things; none of them is trusted."


def identity_sentence(column: str) -> str:
    """Why a row is refused whose person has two values in a column that never changes."""
    return f"Two different people share this key: their {column} differs, which never changes."


def content(contract: Contract) -> Column:
    """All that a row says of its key, as one comparable value (nulls are equal)."""
    return F.struct(contract.operation, *contract.content)


def _open() -> Column:
    return F.col("_outcome").isNull()


def _settle(rows: DataFrame, which: Column, outcome: str) -> DataFrame:
    return rows.withColumn("_outcome", F.when(which, outcome).otherwise(F.col("_outcome")))


def _refuse(rows: DataFrame, which: Column, code: str, column: str, sentence: str) -> DataFrame:
    added = F.array(reason(code, column, sentence))
    rows = rows.withColumn("_refused_now", which)
    return rows.withColumns(
        {
            "_reasons": F.when(F.col("_refused_now"), F.concat("_reasons", added)).otherwise(
                F.col("_reasons")
            ),
            "_outcome": F.when(F.col("_refused_now"), QUARANTINED).otherwise(F.col("_outcome")),
        }
    ).drop("_refused_now")


def _rest_of_key(contract: Contract) -> list[str]:
    return [name for name in contract.key if name != contract.person]


def _ordered_key(contract: Contract) -> list[str]:
    return [contract.person, "_delivery_date", *_rest_of_key(contract)]
