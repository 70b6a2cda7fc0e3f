"""dbt-spark's incremental model with strategy merge: the SQL that dbt sends, without dbt's own start.

_VIEW and _MERGE were written out by hand from the macros of dbt-spark 1.10.3 (create_temporary_view in
macros/adapters.sql, spark__get_merge_sql in macros/materializations/incremental/strategies.sql), as they
come out for `incremental_strategy='merge'`, `file_format='delta'` and a `unique_key` of three columns; no
dbt run has confirmed them yet. The model is _VIEW's select: what dbt cannot know (late rows, rows that say
nothing new) stands in its `is_incremental()` part, as people write it.
"""

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from benchmarks.agreed import plain_silver
from benchmarks.contenders import Parts
from benchmarks.contenders.recipe import (
    first_load,
    is_newer,
    new_rows,
    same_key,
    silver_of,
    start_recipe,
    without_strangers,
)

start = start_recipe
_VIEW = """
create or replace temporary view silver__dbt_tmp as
  select new.* from batch as new
  left join {this} as old on {same_key}
  where old.employee_id is null or ({is_newer})
"""
_MERGE = """
merge into {this} as DBT_INTERNAL_DEST
    using silver__dbt_tmp as DBT_INTERNAL_SOURCE
    on
        DBT_INTERNAL_SOURCE.employee_id = DBT_INTERNAL_DEST.employee_id
     and
        DBT_INTERNAL_SOURCE.season = DBT_INTERNAL_DEST.season
     and
        DBT_INTERNAL_SOURCE.team_id = DBT_INTERNAL_DEST.team_id

    when matched then update set
       *

    when not matched then insert *
"""


def deliver(spark: SparkSession, bronze: Path, state: Path) -> Parts:
    """Run the model once, incrementally."""
    parts, silver = Parts(), plain_silver(state)
    with parts.part("batch"):
        batch = new_rows(spark, bronze).persist()
        batch.count()
    if not silver.exists():
        with parts.part("write"):
            first_load(batch, silver)
        return parts
    this = f"delta.`{silver}`"
    with parts.part("strangers"):
        known = without_strangers(batch, spark.read.format("delta").load(str(silver)))
    with parts.part("merge"):
        known.createOrReplaceTempView("batch")
        newer = is_newer("new", "old")
        spark.sql(_VIEW.format(this=this, same_key=same_key("new", "old"), is_newer=newer))
        spark.sql(_MERGE.format(this=this))
    batch.unpersist()
    return parts


def silver(spark: SparkSession, state: Path) -> list[Any]:
    """Silver's fingerprint."""
    return silver_of(spark, plain_silver(state))
