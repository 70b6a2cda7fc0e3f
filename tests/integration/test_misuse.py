"""What is missing, refused or delivered again."""

import datetime as dt

from tests.lakes import TestLake, csv_of, employment

NEXT = dt.date(2023, 10, 2)


def test_what_is_not_there_is_a_sentence_and_worth_a_retry(lake: TestLake) -> None:
    missing = lake.run("ingest")["ingest"]
    assert missing.exit_code == 1 and "check --landing" in str(missing.error)
    lake.deliver(csv_of(employment()))
    for stage, said in (("etl", "run ingest"), ("load", "run etl"), ("aggregate", "run load")):
        run = lake.run(stage)[stage]
        assert run.exit_code == 1 and said in str(run.error)
    late = lake.run("ingest", day=NEXT)["ingest"]
    assert late.exit_code == 1 and "no delivery of 2023-10-02" in str(late.error)


def test_a_refused_delivery_is_bad_data_and_leaves_silver_alone(lake: TestLake) -> None:
    lake.deliver(b"\x00\x01", "a.csv")
    unreadable = lake.run("ingest")["ingest"]
    assert unreadable.exit_code == 3 and "Deliver them again" in str(unreadable.error)
    assert lake.run("ingest")["ingest"].exit_code == 3

    bad = [employment(employee_id=f"bad{n:02}", salary="-1", ssn=f"9000000{n:02}") for n in range(3)]
    lake.deliver(csv_of(employment(), *bad), day=NEXT)
    runs = lake.run(day=NEXT)
    assert runs["etl"].exit_code == 3 and "3 of the 4 rows" in str(runs["etl"].error)
    assert lake.silver() == [] and len(lake.reasons()) == 4


def test_a_mended_file_is_a_new_generation_that_settles_the_quarantine(lake: TestLake) -> None:
    kept = [employment(employee_id=f"kept{n:02}", ssn=f"9000001{n:02}") for n in range(9)]
    lake.deliver(csv_of(*kept, employment(salary="-1")))
    lake.succeed()
    lake.deliver(csv_of(*kept, employment(salary="1")))
    runs = lake.succeed()
    assert runs["ingest"].rows["files_known"] == 0 and runs["etl"].rows["superseded"] == 10
    assert [row["state"] for row in lake.quarantine()] == ["superseded"]
    assert {str(row["salary"]) for row in lake.silver()} == {"1.00", "12000000.00"}
    assert {row["_generation"] for row in lake.read(lake.tables.bronze).collect()} == {1, 2}


def test_another_key_is_refused(lake: TestLake) -> None:
    from pydantic import SecretStr

    lake.deliver(csv_of(employment()))
    lake.succeed("ingest", "etl")
    other = lake.settings.model_copy(update={"pseudonym_key": SecretStr("k" * 40)})
    run = TestLake(lake.spark, lake.contract, other).run("etl")["etl"]
    assert run.exit_code == 2 and "another key" in str(run.error)
