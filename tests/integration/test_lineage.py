"""Lineage of real runs, sent to a real endpoint: its form, what it says, and whom it says nothing of."""

import csv
import datetime as dt
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from spark_jobs.cli.options import tell
from spark_jobs.contracts.contract import Contract
from spark_jobs.gold import GOLD_TABLES
from spark_jobs.jobs.context import Job, JobContext
from spark_jobs.jobs.erase import Request, erase
from spark_jobs.jobs.maintain import maintain
from spark_jobs.jobs.recover import recover
from spark_jobs.jobs.reprocess import reprocess
from spark_jobs.jobs.restore import restore
from spark_jobs.jobs.runner import STAGES, run_job
from spark_jobs.ledger import Run
from spark_jobs.lineage.columns import column_lineage
from spark_jobs.process.logs import JsonFormatter
from spark_jobs.quarantine.corrections import Correction
from spark_jobs.sample_feed import write_sample_feed
from tests.conftest import make_lake
from tests.lakes import TestLake, csv_of, employment
from tests.lineage_server import LineageServer
from tests.openlineage import check_event

pytestmark = pytest.mark.long

FIRST, CANARIES, BAD, MISSING = (dt.date(2023, 10, 1), *(dt.date(2023, 11, day) for day in (1, 2, 3)))
UUID = "01890000-0000-7000-8000-000000000001"
#: Of a person, planted in good rows, refused rows, and a mend.
PLANTED = {
    "employee_id": "canarybird77",
    "first_name": "Zebulon",
    "last_name": "Quacksalver",
    "birth_date": "1971-03-09",
    "birth_city": "Canaryville",
    "ssn": "987-65-4329",
    "email": "zebulon.quacksalver@canary.example",
    "phone": "777-555-0199",
    "salary": "7654321",
}
#: In which form they may appear: as delivered, as cleaned, or as a number with decimals.
MARKERS = {*PLANTED.values(), "987654329", "7775550199", "7654321.00", "QUACKSALVER"}


@dataclass
class Told:
    """What was run on a lake, and what the endpoint and the log have been told of it."""

    lake: TestLake
    events: list[dict[str, Any]]
    runs: list[Run] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def run(self, name: str, day: dt.date | None = None, job: Job | None = None) -> Run:
        """Run a job as the command line does."""
        run = run_job(self.lake.spark, self.lake.settings, self.lake.contract, name, day, job)
        tell(run)
        self.runs.append(run)
        return run

    def end_of(self, job: str, day: dt.date | None = None, outcome: str = "COMPLETE") -> dict[str, Any]:
        """The first event of a job's end."""
        return next(
            event
            for event in self.events
            if event["job"]["name"] == f"employees.{job}"
            and event["eventType"] == outcome
            and (day is None or str(day) in event["run"]["facets"]["nominalTime"]["nominalStartTime"])
        )


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(JsonFormatter())
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


@pytest.fixture(scope="module")
def told(
    spark: SparkSession, contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    landing = tmp_path_factory.mktemp("feed")
    write_sample_feed(landing, teams=frozenset({"NYA"}))
    with LineageServer() as server:
        settings = {
            "lineage": SecretStr(f"{server.url}?token=hidden"),
            "lineage_timeout": 30,
            "lineage_parent": f"mlb/pipeline.task/{UUID}",
            "source_url": "https://user:hidden@git.example.org/platform",
        }
        lake = make_lake(spark, contract, tmp_path_factory.mktemp("told"), landing=landing, **settings)
        told = Told(lake, server.events)
        package, lines = logging.getLogger("spark_jobs"), _Lines(told.log)
        package.addHandler(lines)
        try:
            _run_all(told)
            yield told
        finally:
            package.removeHandler(lines)


def _run_all(told: Told) -> None:
    """Jobs that succeed, refuse and fail, with the planted person in all that they see."""
    for day in (FIRST, CANARIES):
        if day == CANARIES:
            refused = employment(**{**PLANTED, "season": "2013", "birth_date": "Zebulon Quacksalver"})
            good = [employment(**PLANTED)] + [employment(employee_id=f"other{n}") for n in range(9)]
            told.lake.deliver(csv_of(*good, refused), "Canary.csv", day)
        for name in STAGES:
            assert told.run(name, day).error is None
    assert told.run("load", CANARIES).exit_code == 0, "again, and nothing changes"
    told.lake.deliver(csv_of(employment(**{**PLANTED, "ssn": "Quacksalver"})), "Bad.csv", BAD)
    told.run("ingest", BAD)
    assert told.run("etl", BAD).exit_code == 3
    assert told.run("ingest", MISSING).exit_code == 1
    assert told.run("etl", CANARIES, _fail_with_a_value).exit_code == 1
    _recover(told)
    assert told.run("reprocess", None, lambda job: reprocess(job, dry_run=True)).exit_code == 0
    silver = told.lake.lake.version(told.lake.tables.current)
    assert told.run("restore", None, lambda job: restore(job, silver)).exit_code == 0
    request = Request((PLANTED["employee_id"],), "letter of 3 May", "a.person")
    assert told.run("erase", None, lambda job: erase(job, request)).error is None
    assert told.run("maintain", None, maintain).exit_code == 0


def _fail_with_a_value(job: JobContext) -> None:
    """What Spark says of a value that it cannot read: it quotes it."""
    job.lake.read(job.tables.bronze).selectExpr("CAST(last_name AS INT)").collect()


def _recover(told: Told) -> None:
    """A stage of the recovery fails as above, so that its error quotes a value; then the row is mended."""
    (row,) = [r for r in told.lake.quarantine() if r["_source_file"].endswith("Canary.csv")]
    record = {**json.loads(row["record"]), "birth_date": PLANTED["birth_date"]}
    mends = [
        Correction(2, row["_row_id"], "mend", {n: v or "" for n, v in record.items() if n != "_rescued"})
    ]

    def failing(name: str, day: dt.date) -> Run:
        return told.run(name, day, _fail_with_a_value)

    assert told.run("recover", None, lambda job: recover(job, mends, "a.person", failing)).exit_code == 1
    done = told.run("recover", None, lambda job: recover(job, mends, "a.person", told.run))
    assert done.error is None and done.rows["replayed"] == 1


def test_each_run_begins_and_ends_as_the_standard_says(told: Told) -> None:
    for event in told.events:
        check_event(event)
    ends = {0: "COMPLETE", 143: "ABORT"}
    by_run: dict[str, list[str]] = {}
    for event in told.events:
        by_run.setdefault(event["run"]["runId"], []).append(event["eventType"])
    expected = sorted(("START", ends.get(run.exit_code or 0, "FAIL")) for run in told.runs)
    assert sorted(map(tuple, by_run.values())) == expected
    for event in told.events:
        assert event["run"]["facets"]["parent"]["run"]["runId"] == UUID


def test_no_event_and_no_line_of_the_log_names_anybody(told: Told) -> None:
    text = json.dumps(told.events, ensure_ascii=False) + "\n".join(told.log)
    found = {marker for marker in MARKERS if marker.lower() in text.lower()}
    assert not found
    for secret in ("hidden", "a.person", "letter of 3 May", "Canary.csv"):
        assert secret not in json.dumps(told.events)
    words = set(re.findall(r"[^\s\"',;(){}\[\]]+", text))
    personal = ("ssn", "email", "phone", "birth_date", "employee_id")
    for row in _delivered(Path(told.lake.settings.landing_root) / "employees" / str(FIRST)):
        named = {row[name] for name in personal if row.get(name)} & words
        assert not named
        assert f"{row['first_name']} {row['last_name']}" not in text


def _delivered(folder: Path) -> list[dict[str, str]]:
    files = [file for file in folder.glob("*.csv") if b"\0" not in file.read_bytes()]
    rows = []
    for file in files:
        text = file.read_bytes().decode("utf-8-sig", "replace")
        rows += [row for row in csv.DictReader(text.splitlines()) if row.get("last_name")]
    assert len(rows) > 100
    return rows


def test_failures_say_what_this_project_has_written_and_nothing_else(told: Told) -> None:
    def message(job: str, day: dt.date | None = None) -> str:
        return told.end_of(job, day, "FAIL")["run"]["facets"]["errorMessage"]["message"]

    assert "more than the limit of 20%" in message("etl", BAD)
    assert "There is no delivery of 2023-11-03" in message("ingest", MISSING)
    assert message("etl", CANARIES).startswith("NumberFormatException. The whole story is in ")
    assert message("recover").startswith("etl of 2023-11-01: NumberFormatException. The whole story is in ")
    # Spark's sentence quotes a value, or this test would say nothing; the ledger's leaves it out.
    ledger = next(run for run in told.runs if run.job == "recover")
    assert "The value '…'" in (ledger.error or "")


def test_the_graph_goes_from_landing_to_gold(told: Told) -> None:
    def names(datasets: list[dict[str, Any]]) -> set[str]:
        lake, landing = (told.lake.settings.lake_root, told.lake.settings.landing_root)
        return {d["name"].replace(lake, "lake").replace(landing, "landing") for d in datasets}

    for job, inputs, outputs in (
        ("ingest", {"landing/employees"}, {"lake/bronze/employees"}),
        ("etl", {"lake/bronze/employees"}, {"lake/staging/employees", "lake/quarantine/employees"}),
        (
            "load",
            {"lake/staging/employees"},
            {f"lake/silver/{name}" for name in ("employees", "employee_history", "employee_identity")},
        ),
        (
            "aggregate",
            {"lake/silver/employees", "lake/staging/employees", "lake/quarantine/employees"},
            {f"lake/{table.name}" for table in GOLD_TABLES},
        ),
    ):
        event = told.end_of(job, CANARIES)
        assert names(event["inputs"]) == inputs
        assert names(event["outputs"]) - {"lake/quarantine/employees"} == outputs - {
            "lake/quarantine/employees"
        }


def test_versions_and_rows_are_those_of_the_ledger_and_of_the_tables(told: Told) -> None:
    lake = told.lake
    first = next(run for run in told.runs if run.job == "load" and run.delivery_date == CANARIES)
    event = told.end_of("load", CANARIES)
    (read,) = event["inputs"]
    assert read["inputFacets"]["inputStatistics"]["rowCount"] == first.rows["rows_in"] == 10
    silver = next(d for d in event["outputs"] if d["name"].endswith("/silver/employees"))
    version = first.versions_written["silver/employees"]
    assert silver["facets"]["version"]["datasetVersion"] == str(version)
    written = silver["outputFacets"]["outputStatistics"]
    assert written["rowCount"] == first.rows["silver_inserted"] + first.rows["silver_updated"]
    added = [
        json.loads(line)["add"]
        for line in (Path(lake.lake.path(lake.tables.current)) / f"_delta_log/{version:020}.json").open()
        if line.startswith('{"add"')
    ]
    assert written["size"] >= sum(file["size"] for file in added if file["dataChange"]) > 0
    again = [
        e for e in told.events if e["job"]["name"] == "employees.load" and e["eventType"] == "COMPLETE"
    ][2]
    unchanged = next(d for d in again["outputs"] if d["name"].endswith("/silver/employees"))
    assert unchanged["facets"]["version"]["datasetVersion"] == str(version)
    assert unchanged["outputFacets"]["outputStatistics"]["rowCount"] == 0


def test_columns_come_from_columns_that_are_there(told: Told) -> None:
    known = column_lineage(told.lake.contract)
    schemas = {
        dataset["name"]: {column["name"] for column in dataset["facets"]["schema"]["fields"]}
        for event in told.events
        for dataset in (*event["inputs"], *event["outputs"])
    }
    seen = set()
    for event in told.events:
        for dataset in event["outputs"]:
            lineage = dataset["facets"].get("columnLineage")
            if lineage is None:
                continue
            seen.add(dataset["name"].removeprefix(f"{told.lake.settings.lake_root}/"))
            assert set(lineage["fields"]) <= schemas[dataset["name"]]
            sources = [source for each in lineage["fields"].values() for source in each["inputFields"]]
            for source in (*sources, *lineage["dataset"]):
                assert source["field"] in schemas[source["name"]], (dataset["name"], source)
    assert seen == set(known)
