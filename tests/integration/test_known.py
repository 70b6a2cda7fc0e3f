"""What a large staging is asked for is enough: all that is made of it is as if all of it had been read."""

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.jobs.context import JobContext, job_context
from spark_jobs.jobs.known import Known, known_of_people
from spark_jobs.lake import lake as lake_module
from spark_jobs.lake.joins import matching, without
from spark_jobs.lake.tables import identity_columns
from spark_jobs.silver.versions import (
    HELD,
    believed_rows,
    current_rows,
    history_rows,
    hold_conflicts,
    identity_rows,
    refused_deliveries,
    resolve_versions,
)
from tests.lakes import TestLake

DAYS = [dt.date(2023, 10, day) for day in (1, 2, 3, 4)]
SEEDS = (1, 2, 3)
KEYS = [(season, team) for season in (2014, 2015) for team in ("NYA", "BOS")]


def staged_rows(seed: int) -> list[dict[str, Any]]:
    """Few values, so that people, times and contents contradict each other; as etl stages them: one row a
    key and delivery, and one birth date and SSN a person and delivery, which not each row need state."""
    draw = random.Random(seed)
    rows = []
    for number in range(60):
        for day in DAYS:
            birth = draw.choice([dt.date(1980, 7, 1)] * 5 + [dt.date(1980, 7, 2)])
            ssn = draw.choice(["one"] * 5 + ["other"])
            for season, team in draw.sample(KEYS, draw.randint(0, 2)):
                rows.append(
                    {
                        "employee_id": f"person{number:02}",
                        "season": season,
                        "team_id": team,
                        "updated_at": dt.datetime(2014, 4, draw.randint(1, 3), tzinfo=dt.UTC),
                        "operation": draw.choice("UUUUUD"),
                        "last_name": draw.choice(["Jeter", "Smith"]),
                        "salary": Decimal(draw.choice([500_000, 600_000])),
                        "birth_date": draw.choice([birth, None]),
                        "ssn": draw.choice([ssn, None]),
                        "_row_id": f"{seed}-{len(rows)}",
                        "_delivery_date": day,
                        "_retracted": draw.random() < 0.1,
                    }
                )
    return rows


@pytest.fixture(params=SEEDS, ids="seed {}".format)
def lake(request: pytest.FixtureRequest, new_lake: Callable[..., TestLake]) -> TestLake:
    lake = new_lake(f"known{request.param}")
    schema = lake.tables.staging.schema
    rows = [tuple(row.get(name) for name in schema.names) for row in staged_rows(request.param)]
    lake.lake.append(lake.tables.staging, lake.spark.createDataFrame(rows, schema))
    return lake


def plainly_refused(lake: TestLake) -> dict[str, list[dt.date]]:
    """The deliveries that are not believed of each person of whom there are any: a walk day by day."""
    names, found = lake.contract.immutable, {}
    rows = [row.asDict() for row in lake.read(lake.tables.staging).collect()]
    stating = [row for row in rows if not row["_retracted"] and row["operation"] != "D"]
    for person in {row["employee_id"] for row in stating}:
        known: dict[str, Any] = {}
        for day in DAYS:
            said = [r for r in stating if r["employee_id"] == person and r["_delivery_date"] == day]
            values = {name: {row[name] for row in said} - {None} for name in names}
            statement = {name: max(of_name) for name, of_name in values.items() if of_name}
            if any(known.get(name, value) != value for name, value in statement.items()):
                found.setdefault(person, []).append(day)
            else:
                known = {**statement, **known}
    return found


def asked(lake: TestLake, monkeypatch: pytest.MonkeyPatch, day: dt.date) -> tuple[JobContext, DataFrame]:
    """A job on a day whose rows are the batch, in a lake that is taken to be large."""
    monkeypatch.setattr(lake_module, "_SMALL_BYTES", 0)
    job = job_context(lake.spark, lake.settings, lake.contract, "load", day)
    return job, lake.read(lake.tables.staging).where(F.col("_delivery_date") == day).localCheckpoint()


def same(one: DataFrame, two: DataFrame) -> None:
    wanted = sorted(map(str, two.collect()))
    assert wanted and sorted(map(str, one.select(*two.columns).collect())) == wanted


def test_silver_and_identities_of_the_newest_delivery(
    lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = lake.contract
    job, batch = asked(lake, monkeypatch, DAYS[-1])
    everything = matching(lake.read(lake.tables.staging), batch, [contract.person])
    wanted = resolve_versions(everything, contract).localCheckpoint()

    known = known_of_people(job, batch, 1, F.lit(True))
    assert known.others
    refused = known.refused(job)
    versions = resolve_versions(known.rows, contract, refused).localCheckpoint()

    columns, others = identity_columns(contract), believed_rows(known.others, refused, contract)
    same(identity_rows(versions, contract, columns, others), identity_rows(wanted, contract, columns))
    for rows_of in (current_rows, history_rows):
        ours, theirs = (
            matching(rows_of(frame, contract), batch, contract.key) for frame in (versions, wanted)
        )
        same(ours, theirs)
    own = F.col("_delivery_date") == DAYS[-1]
    same(versions.where(own), wanted.where(own))


def test_deliveries_that_are_not_believed_are_those_of_a_plain_walk(lake: TestLake) -> None:
    found = refused_deliveries(lake.contract, lake.read(lake.tables.staging)).collect()
    wanted = plainly_refused(lake)
    assert wanted and {row["employee_id"]: sorted(row["_refused"]) for row in found} == wanted


@pytest.mark.parametrize("day", DAYS[1:], ids=str)
def test_what_contradicts_an_earlier_delivery(
    lake: TestLake, monkeypatch: pytest.MonkeyPatch, day: dt.date
) -> None:
    job, batch = asked(lake, monkeypatch, day)
    earlier = F.col("_delivery_date") < day

    def held(known: Known) -> DataFrame:
        judged = hold_conflicts(known.rows.unionByName(batch), lake.contract, known.refused(job, batch))
        return judged.where((F.col("_version") == HELD) & ~earlier).select("_row_id", "_reasons")

    everything = lake.read(lake.tables.staging).where(earlier)
    same(held(known_of_people(job, batch, 1, earlier)), held(Known(everything)))


def test_only_rows_of_the_batchs_keys_are_read_whole(
    lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, batch = asked(lake, monkeypatch, DAYS[-1])
    key = list(lake.contract.key)

    known = known_of_people(job, batch, 1, F.lit(True))

    assert known.others and known.others.count() and not matching(known.others, batch, key).count()
    assert not {"salary", "_row_id"} & set(known.others.columns)
    assert not without(known.rows, batch, key).count()
    assert known_of_people(job, batch, 1, F.lit(True), all_keys=True).others is None
