"""What the deliveries say together: the versions of each key, in the order of their sequence.

Everything here is a function of the set of staged rows, whatever the order in which they were
loaded: a late, repeated or back-filled delivery gives the same Silver as if all had arrived in
their order. Where deliveries contradict each other, the earlier delivery stands and the later row
is held back (and quarantined).
"""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.contracts.contract import Contract
from spark_jobs.silver.batch import (
    IDENTITY_CONFLICT,
    SEQUENCE_CONFLICT,
    SEQUENCE_SENTENCE,
    content,
    identity_sentence,
)
from spark_jobs.silver.rules import reason

#: A row is the newest of its key; an earlier content; nothing new; or held back.
CURRENT, PAST, UNCHANGED, REPEATED, HELD = "current", "past", "unchanged", "repeated", "held"


def resolve_versions(staged: DataFrame, contract: Contract, refused: DataFrame | None = None) -> DataFrame:
    """Staged rows of all loaded deliveries of some keys, each with what it means for its key.

    Adds `_version`: `held` (contradicts an earlier delivery; see `_reasons`), `repeated` (an earlier
    delivery said the same of the same time), `unchanged` (says again what the version before it
    says), `current` (the newest content of its key) or `past` (an older one); `_valid_to`, the time
    at which the next content of the key begins, and `_reasons`. `refused` are the `refused_deliveries` of
    the rows' people; without it, what these rows say of them.
    """
    return _chain(hold_conflicts(staged, contract, refused), contract)


def hold_conflicts(staged: DataFrame, contract: Contract, refused: DataFrame | None = None) -> DataFrame:
    """Staged rows that are not retracted, with `_reasons` and `_version` held, repeated or null."""
    rows = staged.where(~F.col("_retracted"))
    rows = _hold_identity_conflicts(
        rows, refused_deliveries(contract, staged) if refused is None else refused, contract
    )
    return _hold_sequence_conflicts(rows, contract)


def refused_deliveries(contract: Contract, *staged: DataFrame) -> DataFrame:
    """The people of whom a delivery says something else than an earlier one in what never changes.

    Takes all staged rows of some people, in one frame or more, and of them only the columns that say who
    somebody is. Returns the person and `_refused` (array<date>): the deliveries that are not believed.
    """
    person, delivered = contract.person, "_delivery_date"
    stating = ~F.col("_retracted") & (F.col(contract.operation) != contract.delete_operation)
    said = [rows.where(stating).select(person, delivered, *contract.immutable) for rows in staged]
    statements = reduce(DataFrame.unionByName, said).groupBy(person, delivered)
    values = statements.agg(*(F.max(name).alias(name) for name in contract.immutable))
    of_person = values.groupBy(person).agg(
        F.sort_array(F.collect_list(F.struct(delivered, *contract.immutable))).alias("_statements")
    )
    # A walk over the person's deliveries in their order: (values so far, deliveries refused).
    nothing = F.struct(
        *(F.lit(None).cast(contract.type_of(name)).alias(name) for name in contract.immutable),
        F.array().cast("array<date>").alias("refused"),
    )
    walked = F.aggregate("_statements", nothing, lambda so_far, next: _step(so_far, next, contract))
    # Most people have one delivery, or several that agree: those need no walk.
    several = of_person.where(F.size("_statements") > 1)
    return several.select(person, walked["refused"].alias("_refused")).where(F.size("_refused") > 0)


def _hold_identity_conflicts(rows: DataFrame, refused: DataFrame, contract: Contract) -> DataFrame:
    rows = _with_refusals(rows, refused, contract)
    sentence = identity_sentence(" or ".join(contract.immutable))
    held = F.array(reason(IDENTITY_CONFLICT, contract.immutable[0], sentence))
    empty = F.array().cast(held_type())
    return rows.withColumn("_reasons", F.when(F.col("_disbelieved"), held).otherwise(empty)).drop(
        "_disbelieved"
    )


def _with_refusals(rows: DataFrame, refused: DataFrame, contract: Contract) -> DataFrame:
    """Rows with `_disbelieved`: their delivery takes their person for somebody else."""
    # Renamed, because Spark cannot tell apart the columns of two frames with a common ancestor. Hashed:
    # what stands in one partition is joined where it is; the rest is grouped by person for what follows.
    of_others = refused.withColumnRenamed(contract.person, "_other").hint("shuffle_hash")
    joined = rows.join(of_others, on=F.col(contract.person) == F.col("_other"), how="left")
    states = F.col(contract.operation) != contract.delete_operation
    disbelieved = states & F.array_contains("_refused", F.col("_delivery_date"))
    return joined.withColumn("_disbelieved", F.coalesce(disbelieved, F.lit(False))).drop(
        "_other", "_refused"
    )


def _step(so_far: Column, statement: Column, contract: Contract) -> Column:
    differs = F.lit(False)
    for name in contract.immutable:
        differs = differs | F.coalesce(so_far[name] != statement[name], F.lit(False))
    date = statement["_delivery_date"]
    return F.struct(
        *(
            F.when(differs, so_far[name]).otherwise(F.coalesce(so_far[name], statement[name])).alias(name)
            for name in contract.immutable
        ),
        F.when(differs, F.array_append(so_far["refused"], date))
        .otherwise(so_far["refused"])
        .alias("refused"),
    )


def _hold_sequence_conflicts(rows: DataFrame, contract: Contract) -> DataFrame:
    good = F.size("_reasons") == 0
    at_once = Window.partitionBy(*contract.key, contract.sequence, good).orderBy("_delivery_date")
    first = F.first(content(contract)).over(at_once)
    later = F.row_number().over(at_once) > 1
    rows = rows.withColumns({"_later": good & later, "_same": first.eqNullSafe(content(contract))})
    held = F.array(reason(SEQUENCE_CONFLICT, contract.sequence, SEQUENCE_SENTENCE))
    reasons = F.when(F.col("_later") & ~F.col("_same"), held).otherwise(F.col("_reasons"))
    repeated = F.col("_later") & F.col("_same")
    rows = rows.withColumns({"_reasons": reasons, "_version": F.when(repeated, REPEATED)})
    return rows.withColumn(
        "_version", F.when(F.size("_reasons") > 0, HELD).otherwise(F.col("_version"))
    ).drop("_later", "_same")


def _chain(rows: DataFrame, contract: Contract) -> DataFrame:
    said = F.struct(contract.operation, *contract.silver_content)
    chained = F.col("_version").isNull()
    in_time = Window.partitionBy(*contract.key, chained).orderBy(contract.sequence)
    # lag is null only before the first version: a struct of nulls is not null.
    unchanged = chained & F.lag(said).over(in_time).eqNullSafe(said)
    rows = rows.withColumn("_version", F.when(unchanged, UNCHANGED).otherwise(F.col("_version")))
    contents = F.col("_version").isNull()
    next_content = F.lead(contract.sequence).over(
        Window.partitionBy(*contract.key, contents).orderBy(contract.sequence)
    )
    rows = rows.withColumn("_valid_to", F.when(contents, next_content))
    meaning = F.when(F.col("_valid_to").isNull(), CURRENT).otherwise(PAST)
    return rows.withColumn("_version", F.coalesce("_version", meaning))


def held_type() -> str:
    """The type of `_reasons`."""
    return "array<struct<code:string,column:string,severity:string,sentence:string>>"


def current_rows(versions: DataFrame, contract: Contract) -> DataFrame:
    """The current table's rows: the newest content of each key, a tombstone for a deleted one."""
    return versions.where(F.col("_version") == CURRENT).select(
        *contract.key,
        *contract.silver_content,
        contract.sequence,
        contract.operation,
        _is_delete(contract).alias("is_deleted"),
        "_delivery_date",
    )


def history_rows(versions: DataFrame, contract: Contract) -> DataFrame:
    """The history's rows: each content with its time span; a delete ends one and is none itself."""
    contents = versions.where(F.col("_version").isin(CURRENT, PAST) & ~_is_delete(contract))
    return contents.select(
        *contract.key,
        *contract.silver_content,
        F.col(contract.sequence).alias("valid_from"),
        F.col("_valid_to").alias("valid_to"),
        F.col("_valid_to").isNull().alias("is_current"),
        "_delivery_date",
    )


def identity_rows(
    versions: DataFrame, contract: Contract, columns: tuple[str, ...], others: DataFrame | None = None
) -> DataFrame:
    """The identity table's rows: a person's newest names and the values that never change.

    Of rows that say the same of the same time only the earliest delivery's counts. `others` are the
    `believed_rows` of the same people's other keys.
    """
    needed = list(dict.fromkeys([*contract.key, *columns, contract.sequence, "_delivery_date"]))
    believed = ~F.col("_version").isin(HELD, REPEATED) & ~_is_delete(contract)
    stated = versions.where(believed).select(*needed)
    if others is not None:
        stated = stated.unionByName(others.select(*needed))
    order = F.struct(contract.sequence, "_delivery_date", *contract.key)
    values = [
        (F.max(name) if name in contract.immutable else F.max_by(name, order)).alias(name)
        for name in columns
    ]
    return stated.groupBy(contract.person).agg(
        *values, F.max_by("_delivery_date", order).alias("_delivery_date")
    )


def believed_rows(staged: DataFrame, refused: DataFrame, contract: Contract) -> DataFrame:
    """Staged rows of some keys, as narrow as may be, that say who somebody is and are believed.

    Those that `resolve_versions` neither holds nor takes for a repetition; it needs their content to tell
    the one from the other, which is not needed here.
    """
    rows = _with_refusals(staged.where(~F.col("_retracted")), refused, contract).where(
        ~F.col("_disbelieved")
    )
    at_once = Window.partitionBy(*contract.key, contract.sequence).orderBy("_delivery_date")
    first = rows.withColumn("_first", F.row_number().over(at_once)).where(F.col("_first") == 1)
    return first.where(~_is_delete(contract)).drop("_first", "_disbelieved")


def _is_delete(contract: Contract) -> Column:
    return F.col(contract.operation) == contract.delete_operation
