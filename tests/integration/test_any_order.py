"""Deliveries shuffled, split, repeated and delayed give what the plain oracle says."""

import datetime as dt
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from spark_jobs.privacy.pseudonyms import pseudonym
from tests.conftest import KEY
from tests.lakes import TestLake, csv_of, employment, termination
from tests.oracle import Expected, Said, expect

DAYS = [dt.date(2023, 10, day) for day in (1, 2, 3, 4)]
PEOPLE = [f"person{n:02}" for n in range(24)]
BIRTHS = [None, dt.date(1980, 7, 1), dt.date(1980, 7, 2)]
SSNS = [None, "900010001", "900010002"]


def said(person: str) -> st.SearchStrategy[Said]:
    """Few values, so that keys, times and contents meet often."""
    mostly_same = st.sampled_from([1, 1, 1, 1, 1, 1, 0, 2])
    return st.builds(
        Said,
        employee_id=st.just(person),
        season=st.sampled_from([2014, 2015]),
        team_id=st.sampled_from(["NYA", "BOS"]),
        updated_at=st.integers(1, 4).map(lambda day: dt.datetime(2014, 4, day, 9)),
        salary=st.sampled_from([None, 500_000, 600_000]),
        birth_date=mostly_same.map(BIRTHS.__getitem__),
        ssn=mostly_same.map(SSNS.__getitem__),
    ) | st.builds(
        Said,
        employee_id=st.just(person),
        season=st.just(2014),
        team_id=st.just("NYA"),
        updated_at=st.integers(1, 4).map(lambda day: dt.datetime(2014, 4, day, 9)),
        deleted=st.just(True),
    )


@st.composite
def deliveries(draw: st.DrawFn) -> dict[dt.date, list[Said]]:
    """Each person's rows, spread over the days; some of them twice."""
    spread: dict[dt.date, list[Said]] = {day: [] for day in DAYS}
    for person in PEOPLE:
        for row in draw(st.lists(said(person), min_size=1, max_size=6)):
            for day in draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=2)):
                spread[day].append(row)
    return {day: draw(st.permutations(rows)) for day, rows in spread.items() if rows}


def as_text(row: Said) -> dict[str, str]:
    key = {
        "employee_id": row.employee_id,
        "season": str(row.season),
        "team_id": row.team_id,
        "updated_at": row.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if row.deleted:
        return termination(**key)
    return employment(
        **key,
        salary="" if row.salary is None else str(row.salary),
        birth_date="" if row.birth_date is None else row.birth_date.isoformat(),
        ssn=row.ssn or "",
    )


def check(lake: TestLake, expected: Expected) -> None:
    key = KEY.encode()

    def content(row: dict) -> tuple:
        salary = None if row["salary"] is None else int(row["salary"])
        return ("U", salary, row["ssn"], row["age_on_july_1"])

    def keyed(said_content: tuple) -> tuple:
        if said_content == ("D",):
            return said_content
        kind, salary, ssn, age = said_content
        return kind, salary, pseudonym(key, "ssn", ssn), age

    silver = {
        (row["employee_id"], row["season"], row["team_id"]): (
            ("D",) if row["is_deleted"] else content(row),
            row["updated_at"],
        )
        for row in lake.silver()
    }
    assert silver == {k: (keyed(v.content), v.updated_at) for k, v in expected.silver.items()}
    history: dict = {}
    for row in lake.history():
        span = (content(row), row["valid_from"], row["valid_to"])
        history.setdefault((row["employee_id"], row["season"], row["team_id"]), []).append(span)
        assert row["is_current"] == (row["valid_to"] is None)
    assert history == {
        k: [(keyed(span.content), span.valid_from, span.valid_to) for span in spans]
        for k, spans in expected.history.items()
        if spans
    }
    opened = lake.read(lake.tables.quarantine).where(F.col("state") == "open")
    refused = {(r["_delivery_date"], r["_row_number"]) for r in opened.collect()}
    assert refused == expected.refused


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(delivered=deliveries(), data=st.data())
def test_silver_and_history_do_not_depend_on_the_order_of_loading(
    new_lake: Callable[..., TestLake],
    tmp_path_factory,
    delivered: dict[dt.date, list[Said]],
    data: st.DataObject,
) -> None:
    lake = new_lake(tmp_path_factory.mktemp("order").name, quarantine_limit=1)
    for day, rows in delivered.items():
        lake.deliver(csv_of(*map(as_text, rows)), day=day)
    order = data.draw(st.permutations(sorted(delivered)))
    repeated = data.draw(st.sampled_from(order))
    for day in [*order, repeated]:
        lake.succeed("ingest", "etl", "load", day=day)
    check(lake, expect(delivered))
