"""The quality of deliveries from a handful of rows, and against what plain Python says of made-up lakes."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.gold.data_quality_daily import TABLE, data_quality_daily
from spark_jobs.gold.delivery_counts import refused_by_delivery, staged_by_delivery
from spark_jobs.lake.tables import RUNS, quarantine_table
from spark_jobs.ledger import Run, Told, deliveries, of_delivery, that_tell
from spark_jobs.usual import Limits, judge

LIMITS = Limits(minimum=2, history=3)
STAGED = (
    "_row_id string, _delivery_date date, _key struct<id:string>, _at int, _deleted boolean, "
    "salary decimal(14,2)"
)
QUARANTINE = quarantine_table("employees")
HELD = "identity_conflict"


def day(number: int) -> dt.date:
    return dt.date(2023, 10, number)


def staged(
    row_id: str, date: int, key: str, at: int, salary: int | None = 100, deleted: bool = False
) -> tuple:
    return row_id, day(date), (key,), at, deleted, None if salary is None else Decimal(salary)


def refused(row_id: str, date: int, *codes: str, state: str = "open", kind: str = "row") -> tuple:
    reasons = [(code, None, "error", "A sentence.") for code in codes]
    values = {
        "_row_id": row_id,
        "kind": kind,
        "state": state,
        "reasons": reasons,
        "_delivery_date": day(date),
    }
    return tuple(values.get(name) for name in QUARANTINE.schema.names)


def quality(
    spark: SparkSession,
    told: dict[int, Told],
    quarantine: list,
    rows: list,
    loaded: list[int],
    limits: Limits = LIMITS,
) -> list[dict[str, Any]]:
    def frame(values: list, schema: Any) -> DataFrame:
        return spark.createDataFrame(values, schema).coalesce(1)

    kept, days = frame(quarantine, QUARANTINE.schema), {day(date) for date in loaded}
    return data_quality_daily(
        {day(date): said for date, said in told.items()},
        refused_by_delivery(kept).collect(),
        staged_by_delivery(frame(rows, STAGED), kept, days).collect(),
        days,
        limits,
    )


def test_each_row_is_counted_once(spark: SparkSession) -> None:
    rows = [
        *(staged(f"a{n}", 1, f"k{n}", at=5) for n in range(5)),
        staged("b0", 2, "k0", at=4),  # late: the first delivery had k0 newer
        staged("b1", 2, "k1", at=6, salary=None, deleted=True),
        staged("b2", 2, "k2", at=6),  # held back by load: staged, and refused
        staged("b3", 2, "new", at=1),
        staged("c0", 3, "k0", at=9),  # staged before the delivery was refused whole
    ]
    quarantine = [
        refused("a9", 1, "salary_negative", "team_unknown"),
        refused("a8", 1, "salary_negative", state="rejected"),
        refused("a7", 1, "salary_negative", state="replayed"),
        refused("a6", 1, "salary_negative", state="superseded"),
        refused("b2", 2, HELD),
        refused("c1", 3, "season_missing"),
        refused("c2", 3, "season_missing"),
        refused("d", 4, "empty_file", kind="file"),
    ]
    told = {
        1: Told(10, 5, 2, 1, whole=False, by_hand=False),
        2: Told(5, 4, 0, 1, whole=False, by_hand=True),
        3: Told(4, 2, 0, 0, whole=True, by_hand=False),
        5: Told(None, None, None, None, whole=False, by_hand=False),  # taken back
        6: Told(3, 1, 0, 0, whole=False, by_hand=False),  # two rows that are nowhere
    }
    found = quality(spark, told, quarantine, [*rows, staged("f", 6, "z", at=1)], loaded=[1, 2])
    none: dict[str, int] = {}
    salaries = {"salary_negative": 2, "team_unknown": 1}
    expected = [
        (day(1), "loaded", 10, 5, 2, 1, 2, 0, True, 0, 0, 1, 0, salaries, 0.2, Decimal(500)),
        (day(2), "loaded", 5, 3, 0, 1, 1, 0, True, 1, 1, 0, 0, {HELD: 1}, 0.2, None),
        (day(3), "refused", 4, 0, 0, 0, 2, 2, True, 0, 0, 0, 0, {"season_missing": 2}, 0.5, None),
        (day(4), "refused", 0, 0, 0, 0, 0, 0, True, 0, 0, 0, 1, none, None, None),
        (day(6), "waiting", 3, 1, 0, 0, 0, 0, False, 0, 0, 0, 0, none, 0.0, None),
    ]
    verdicts = [
        ("unknown", "unknown", False),
        ("unknown", "unknown", True),
        ("unknown", "unknown", False),
        ("unknown", "unknown", False),
        ("low", "unknown", False),
    ]
    names = TABLE.schema.names
    wanted = [
        dict(zip(names, (*row, *verdict), strict=True))
        for row, verdict in zip(expected, verdicts, strict=True)
    ]
    assert found == wanted
    as_rows = [tuple(row[name] for name in names) for row in found]
    assert [row.asDict() for row in spark.createDataFrame(as_rows, TABLE.schema).collect()] == wanted


def test_a_row_that_a_restore_brought_back_is_accepted(spark: SparkSession) -> None:
    rows = [staged("a", 1, "k", at=1), staged("b", 1, "l", at=1)]
    quarantine = [refused("a", 1, "salary_negative"), refused("b", 1, HELD)]
    told = {1: Told(2, 2, 0, 0, whole=False, by_hand=False)}
    (found,) = quality(spark, told, quarantine, rows, [1])
    assert (found["rows_accepted"], found["rows_refused"], found["conserved"]) == (1, 1, True)


def test_the_payroll_of_one_or_two_people_is_not_told(spark: SparkSession) -> None:
    salaries = {1: [100], 2: [100, 100], 3: [100, 100, 100], 4: [0, None, None], 5: [None, None]}
    rows = [
        staged(f"{date}{n}", date, f"{date}{n}", at=1, salary=salary)
        for date, paid in salaries.items()
        for n, salary in enumerate(paid)
    ]
    found = quality(spark, {}, [], rows, list(salaries))
    assert [row["payroll"] for row in found] == [None, None, 300, 0, None]


deliveries_of_rows = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=6, unique_by=lambda row: row[0]),
        st.sampled_from(["loaded", "loaded", "loaded", "waiting"]),
        st.integers(0, 3),
    ),
    min_size=4,
    max_size=8,
)


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lake=deliveries_of_rows)
def test_what_depends_on_earlier_deliveries_is_what_plain_python_says(
    spark: SparkSession, lake: list
) -> None:
    rows, told, late, sizes = [], {}, Counter(), {}
    newest: dict[Any, Any] = {}
    for date, (content, status, held) in enumerate(lake, start=1):
        good = content[held:]
        sizes[date] = (status, len(good))
        told[date] = Told(len(content), len(content), 0, 0, whole=False, by_hand=False)
        rows += [staged(f"{date}-{key}", date, str(key), at) for key, at in content]
        if status == "loaded":
            late[date] = sum(at < newest.get(key, -1) for key, at in good)
            for key, at in good:
                newest[key] = max(at, newest.get(key, at))
    quarantine = [
        refused(f"{date}-{key}", date, HELD)
        for date, (content, _, held) in enumerate(lake, start=1)
        for key, _ in content[:held]
    ]
    loaded = [date for date, (status, _) in sizes.items() if status == "loaded"]
    found = quality(spark, told, quarantine, rows, loaded)
    assert len(found) == len(lake)
    for row in found:
        date = row["delivery_date"].day
        status, size = sizes[date]
        before = [float(sizes[other][1]) for other in loaded if other < date]
        assert row["status"] == status and row["conserved"]
        assert (row["rows_accepted"], row["rows_late"]) == (size, late[date])
        assert row["rows_verdict"] == judge(size, before, LIMITS), (date, lake)


def test_the_ledgers_last_word_on_a_delivery_counts(spark: SparkSession) -> None:
    start = dt.datetime(2023, 10, 20, tzinfo=dt.UTC)
    runs: list[Run] = []

    def ran(job: str, date: int | None, rows: dict[str, int], exit_code: int = 0) -> None:
        run = Run(job, "employees", "1", day(date) if date else None, start, rows=rows)
        run.finish(exit_code)
        run.finished_at = start + dt.timedelta(minutes=len(runs))
        runs.append(run)

    ran("etl", 1, {"rows_in": 9, "staged": 8, "duplicate": 1, "superseded": 0})
    ran("etl", 2, {"rows_in": 5, "staged": 2, "duplicate": 0, "superseded": 0}, exit_code=3)
    ran("etl", 3, {"rows_in": 5, "staged": 5, "duplicate": 0, "superseded": 0})
    ran("etl", 4, {"rows_in": 7, "staged": 7, "duplicate": 0, "superseded": 0})
    ran("etl", 3, {"rows_in": 6}, exit_code=1)
    ran("load", 3, {"unusual_accepted": 1})
    ran("load", 1, {"unusual_accepted": 0})
    counts = {"delivered": 8, "staged": 7, "duplicate": 1, "superseded": 0, "whole": 0}
    told = {**of_delivery(day(1), counts), **of_delivery(day(4), {"taken_back": 1}), "gold/x changed": 3}
    ran("reprocess", None, told)
    ran("reprocess", None, of_delivery(day(3), counts), exit_code=1)
    values = [tuple(run.values()[name] for name in RUNS.schema.names) for run in reversed(runs)]
    ledger = that_tell(spark.createDataFrame(values, RUNS.schema)).collect()
    assert deliveries(row.asDict() for row in ledger) == {
        day(1): Told(8, 7, 1, 0, whole=False, by_hand=False),
        day(2): Told(5, 2, 0, 0, whole=True, by_hand=False),
        day(3): Told(5, 5, 0, 0, whole=False, by_hand=True),
        day(4): Told(None, None, None, None, whole=False, by_hand=False),
    }
