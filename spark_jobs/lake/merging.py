"""What makes a table's rows equal to those that are wanted, in SQL: what differs, and the MERGE of it."""

from collections.abc import Sequence

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import MapType

from spark_jobs.lake.tables import Table
from spark_jobs.sql import all_equal

#: Column of the differences: insert, update or delete.
ACTION = "_action"

# The columns are written as SQL, not built one by one: each call into the JVM takes milliseconds, and a
# table of 25 columns would take a hundred of them at every sync.


def differing(table: Table, wanted: DataFrame, scope: DataFrame) -> DataFrame:
    """The rows to insert, update or delete, each with its `_action`."""
    names = table.schema.names
    # Maps cannot be compared; their entries can.
    maps = {field.name for field in table.schema if isinstance(field.dataType, MapType)}
    rest = [name for name in names if name not in table.key and name not in maps]
    same = " AND ".join([all_equal("new", "old", rest), *(_equal_maps(name) for name in sorted(maps))])
    new = wanted.selectExpr(*names, "true AS _new").alias("new")
    old = scope.selectExpr(*names, "true AS _old").alias("old")
    action = (
        "CASE WHEN _old IS NULL THEN 'insert' WHEN _new IS NULL THEN 'delete' "
        f"WHEN NOT ({same}) THEN 'update' END"
    )
    columns = [f"CASE WHEN _new THEN new.{name} ELSE old.{name} END AS {name}" for name in names]
    joined = new.join(old, on=F.expr(all_equal("new", "old", table.key)), how="full_outer")
    return joined.selectExpr(*columns, f"{action} AS {ACTION}").where(f"{ACTION} IS NOT NULL")


def merge(
    spark: SparkSession, path: str, table: Table, differences: DataFrame, counts: Sequence[Row]
) -> None:
    """Make the differences in one commit; `counts` are theirs by action and partition."""
    condition = F.expr(all_equal("new", "old", table.key))
    for name in table.partition_by:
        # Only literals prune files: MERGE has no dynamic pruning of its target.
        values = sorted({count[name] for count in counts})
        condition = F.col(f"old.{name}").isin(*values) & condition
    merge = DeltaTable.forPath(spark, path).alias("old").merge(differences.alias("new"), condition)
    # Only the clauses that are needed: Delta has a shorter way for a merge that only inserts.
    actions = {count[ACTION] for count in counts}
    if "delete" in actions:
        merge = merge.whenMatchedDelete(f"new.{ACTION} = 'delete'")
    if "update" in actions:
        merge = merge.whenMatchedUpdateAll(f"new.{ACTION} = 'update'")
    if "insert" in actions:
        merge = merge.whenNotMatchedInsertAll(f"new.{ACTION} = 'insert'")
    merge.execute()


def _equal_maps(name: str) -> str:
    return " <=> ".join(f"sort_array(map_entries({side}.{name}))" for side in ("new", "old"))
