"""recover: refused rows come back mended, rejected or judged again; nothing is lost or applied twice."""

import csv
import dataclasses
import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from spark_jobs.contracts.contract import Rule
from spark_jobs.errors import JobError, UsageError
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.erase import Request, erase
from spark_jobs.jobs.recover import recover
from spark_jobs.jobs.runner import STAGES, run_job
from spark_jobs.ledger import Run
from spark_jobs.quarantine.corrections import Correction, read_corrections, write_refused
from tests.lakes import DAY, TestLake, csv_of, employment

NEXT_DAY = DAY + dt.timedelta(days=1)


@pytest.fixture(scope="module")
def refused(module_lake: Callable[..., TestLake]) -> TestLake:
    """A delivery with three refused rows, and a later one that is newer for one of them."""
    lake = module_lake(quarantine_limit=1)
    rows = [
        employment(employee_id="goodone01"),
        employment(employee_id="badsal01", salary="lots"),
        employment(employee_id="badteam1", team_id="???"),
        employment(employee_id="hopeless", birth_date="never", updated_at="someday"),
    ]
    lake.deliver(csv_of(*rows))
    lake.succeed()
    later = employment(employee_id="badsal01", salary="900", updated_at="2014-06-01T00:00:00Z")
    lake.deliver(csv_of(later), day=NEXT_DAY)
    lake.succeed(day=NEXT_DAY)
    return lake


@pytest.fixture
def lake(refused: TestLake, tmp_path: Path) -> TestLake:
    """A copy for each test to change."""
    return refused.copy_to(tmp_path)


def recovered(lake: TestLake, corrections: list[Correction] | None, by: str = "a person") -> Run:
    def run_stage(name: str, day: dt.date) -> Run:
        return run_job(lake.spark, lake.settings, lake.contract, name, day)

    return run_job(
        lake.spark,
        lake.settings,
        lake.contract,
        "recover",
        None,
        lambda job: recover(job, corrections, by, run_stage),
    )


def exported(lake: TestLake) -> list[dict[str, str]]:
    """What `quarantine export` writes, as rows."""
    out = io.StringIO(newline="")
    write_refused([row for row in lake.quarantine() if row["state"] == "open"], lake.contract, out)
    return list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))


def mended(lake: TestLake, rows: list[dict[str, str]]) -> list[Correction]:
    """Rows of a corrections file as `recover --corrections` reads them."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return read_corrections(out.getvalue().encode(), lake.contract, "mended.csv")


def states(lake: TestLake) -> dict[str, str]:
    """The quarantine's states by the employee of the delivered row."""
    bronze = {row["_row_id"]: row["employee_id"] for row in lake.read(lake.tables.bronze).collect()}
    return {bronze[row["_row_id"]]: row["state"] for row in lake.quarantine()}


def test_rows_come_back_mended_or_rejected_and_an_old_fix_overwrites_nothing(lake: TestLake) -> None:
    rows = {row["employee_id"]: row for row in exported(lake)}
    rows["badsal01"].update(decision="mend", salary="500")
    rows["badteam1"].update(decision="mend", team_id="SEA")
    rows["hopeless"].update(decision="reject")
    corrections = mended(lake, list(rows.values()))

    run = recovered(lake, corrections, by="ana")

    assert run.error is None
    assert (run.rows["replayed"], run.rows["rejected"], run.rows["refused_again"]) == (2, 1, 0)
    assert states(lake) == {"badsal01": "replayed", "badteam1": "replayed", "hopeless": "rejected"}
    silver = {row["employee_id"]: row for row in lake.silver()}
    assert silver["badteam1"]["team_id"] == "SEA"
    assert silver["badsal01"]["salary"] == 900
    spans = [
        (row["salary"], row["is_current"]) for row in lake.history() if row["employee_id"] == "badsal01"
    ]
    assert spans == [(500, False), (900, True)]
    attempts = lake.read(lake.tables.attempts).collect()
    assert {(a["decision"], a["outcome"], a["by"]) for a in attempts} == {
        ("mend", "replayed", "ana"),
        ("reject", "rejected", "ana"),
    }
    refused = next(row for row in lake.quarantine() if row["state"] == "rejected")
    assert "updated_at_unreadable" in {reason["code"] for reason in refused["reasons"]}

    before, versions = lake.content(), lake.versions()
    assert recovered(lake, corrections).error is None
    assert (lake.content(), lake.versions()) == (before, versions)


def test_a_recovery_whose_gold_failed_is_finished_by_the_next(
    lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(job: JobContext) -> None:
        raise JobError("No space is left for Gold.")

    row = next(row for row in exported(lake) if row["employee_id"] == "badteam1")
    corrections = mended(lake, [{**row, "decision": "mend", "team_id": "SEA"}])
    with monkeypatch.context() as broken:
        broken.setitem(STAGES, "aggregate", fails)
        assert "recover again" in str(recovered(lake, corrections).error)

    run = recovered(lake, corrections)

    assert run.error is None and run.rows["replayed"] == 1
    versions = lake.versions()
    lake.succeed("aggregate", day=NEXT_DAY)
    assert lake.versions() == versions, "Gold was not that of the mended Silver"


def test_a_fix_that_fails_again_goes_back_with_its_new_reasons(lake: TestLake) -> None:
    row = next(row for row in exported(lake) if row["employee_id"] == "badsal01")
    run = recovered(lake, mended(lake, [{**row, "decision": "mend", "salary": "-5"}]))
    assert run.rows["refused_again"] == 1
    assert (
        "a.csv",
        2,
        ["salary_negative"],
    ) in lake.reasons()
    again = next(row for row in exported(lake) if row["employee_id"] == "badsal01")
    assert again["quarantine_id"] == row["quarantine_id"] and again["salary"] == "-5"


def test_open_rows_are_judged_again_after_the_contract_has_changed(lake: TestLake) -> None:
    def allow(rule: Rule) -> Rule:
        known = rule.name == "team_unknown"
        return dataclasses.replace(rule, predicate="true") if known else rule

    rules = tuple(allow(rule) for rule in lake.contract.rules)
    lake.contract = dataclasses.replace(lake.contract, rules=rules, digest="another")
    before = states(lake)
    run = recovered(lake, None)
    assert run.error is None
    assert states(lake) == {**before, "badteam1": "replayed"}
    versions = lake.versions()
    assert "under this contract" in " ".join(recovered(lake, None).notes)
    assert lake.versions() == versions


def test_a_delivery_that_nobody_has_mended_fails_no_judging_again(lake: TestLake) -> None:
    """Else every night's recovery would fail for one delivery that is known to be bad."""
    strict = dataclasses.replace(lake, settings=lake.settings.model_copy(update={"quarantine_limit": 0.2}))
    bad = NEXT_DAY + dt.timedelta(days=1)
    strict.deliver(csv_of(employment(employee_id="badsal02", salary="lots")), day=bad)
    assert strict.run(day=bad)["etl"].exit_code == 3

    run = recovered(strict, None)
    assert (run.exit_code, run.rows["refused_again"]) == (0, 4)
    assert any(str(bad) in note for note in run.notes)
    assert recovered(strict, None).rows.get("attempts") is None


def test_a_refused_file_is_settled_when_it_is_delivered_again(lake: TestLake) -> None:
    lake.deliver("no header at all\n", "b.csv")
    lake.succeed("ingest")
    assert ("b.csv", None, ["file_header_missing"]) in lake.reasons()
    lake.deliver(csv_of(employment(employee_id="mended01")), "b.csv")
    lake.succeed()
    assert "mended01" in {row["employee_id"] for row in lake.silver()}
    file = next(row for row in lake.quarantine() if row["kind"] == "file")
    assert file["state"] == "superseded"


def test_an_unknown_row_is_told_and_nothing_changes(lake: TestLake) -> None:
    versions = lake.versions()
    run = recovered(lake, [Correction(2, "f" * 64, "reject", None)])
    assert run.exit_code == 2 and "Line 2" in str(run.error)
    assert lake.versions() == versions


def test_nobody_who_has_been_erased_is_mended_back(lake: TestLake) -> None:
    row = next(row for row in exported(lake) if row["employee_id"] == "badteam1")
    request = Request(("goodone01",), "Asked for it by letter", "tests")
    erased = run_job(
        lake.spark, lake.settings, lake.contract, "erase", None, lambda job: erase(job, request)
    )
    assert erased.error is None
    versions = lake.versions()
    mend = {**row, "decision": "mend", "team_id": "SEA"}
    for changes in ({"employee_id": " GoodOne01"}, {"employee_id": "", "last_name": "goodone01"}):
        run = recovered(lake, mended(lake, [{**mend, **changes}]))
        assert run.exit_code == 2 and "Line 2 of the corrections names a person" in str(run.error)
        assert "goodone01" not in str(run.error).lower()
    assert lake.versions() == versions
    assert recovered(lake, mended(lake, [mend])).rows["replayed"] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"quarantine_id,salary\nx,1\n", "lacks employee_id"),
        (b"\xff\xfe\x00", "no CSV file in UTF-8"),
        (b"", "lacks quarantine_id"),
    ],
)
def test_a_corrections_file_that_is_none_is_told(contract, content: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_corrections(content, contract, "mended.csv")
