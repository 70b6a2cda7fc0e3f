"""A lake for a test: deliver files, run stages, look at tables."""

import datetime as dt
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.contracts.contract import Contract
from spark_jobs.gold import GOLD_TABLES
from spark_jobs.jobs.runner import STAGES, run_job
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import DatasetTables, Table, dataset_tables
from spark_jobs.ledger import Run
from spark_jobs.settings import Settings

DAY = dt.date(2023, 10, 1)
HEADER = (
    "employee_id,season,team_id,league,first_name,last_name,birth_date,birth_city,birth_state,"
    "birth_country,role,position,bats,throws,games,salary,debut,ssn,email,phone,updated_at,operation"
)
_USUAL = {
    "employee_id": "jeterde01",
    "season": "2014",
    "team_id": "NYA",
    "league": "AL",
    "first_name": "Derek",
    "last_name": "Jeter",
    "birth_date": "1974-06-26",
    "birth_city": "Pequannock",
    "birth_state": "NJ",
    "birth_country": "USA",
    "role": "player",
    "position": "SS",
    "bats": "R",
    "throws": "R",
    "games": "145",
    "salary": "12000000",
    "debut": "1995-05-29",
    "ssn": "900-12-3456",
    "email": "jeterde01@example.org",
    "phone": "212-555-0123",
    "updated_at": "2014-04-01T09:00:00Z",
    "operation": "U",
}


def employment(**changes: str) -> dict[str, str]:
    """A good row as text, with some columns changed."""
    unknown = set(changes) - set(_USUAL)
    assert not unknown, unknown
    return {**_USUAL, **changes}


def termination(**changes: str) -> dict[str, str]:
    """A delete: only the key, updated_at and operation are filled."""
    kept = ("employee_id", "season", "team_id", "updated_at")
    row = {name: _USUAL[name] if name in kept else "" for name in _USUAL}
    return {**row, "operation": "D", **changes}


def csv_of(*rows: dict[str, str], header: str = HEADER) -> str:
    """Rows as a CSV file's text, quoted where needed."""
    names = header.split(",")
    lines = [header]
    for row in rows:
        fields = [row[name] for name in names]
        quoted = [f'"{v.replace(chr(34), chr(34) * 2)}"' if set(v) & set(',"\n\r') else v for v in fields]
        lines.append(",".join(quoted))
    return "\n".join(lines) + "\n"


def count_what_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the quality of a small lake's deliveries counted as that of a large one's."""
    monkeypatch.setattr("spark_jobs.jobs.known_quality._is_counted_soon", lambda job: False)


@dataclass
class TestLake:
    """A lake and its landing zone in a test's own folder."""

    __test__ = False
    spark: SparkSession
    contract: Contract
    settings: Settings

    @property
    def tables(self) -> DatasetTables:
        return dataset_tables(self.contract)

    @property
    def lake(self) -> Lake:
        return Lake(self.spark, self.settings.lake_root)

    def deliver(self, content: str | bytes, name: str = "a.csv", day: dt.date = DAY) -> Path:
        """Put a file into the landing zone."""
        file = Path(self.settings.landing_root) / "employees" / str(day) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def copy_to(self, folder: Path) -> "TestLake":
        """The same lake and landing zone in another folder: sooner made than by running the stages."""
        places = {"landing": folder / "landing", "lake": folder / "lake", "spark_log": folder / "spark.log"}
        for name in ("landing", "lake"):
            shutil.copytree(getattr(self.settings, name), places[name])
        texts = {name: str(places[name]) for name in ("landing", "lake")}
        settings = self.settings.model_copy(update={**texts, "spark_log": places["spark_log"]})
        return TestLake(self.spark, self.contract, settings)

    def run(self, *stages: str, day: dt.date = DAY) -> dict[str, Run]:
        """Run stages (all four by default) until one fails."""
        runs = {}
        for name in stages or STAGES:
            runs[name] = run_job(self.spark, self.settings, self.contract, name, day)
            if runs[name].exit_code:
                break
        return runs

    def succeed(self, *stages: str, day: dt.date = DAY) -> dict[str, Run]:
        """Run stages, all of which must succeed."""
        runs = self.run(*stages, day=day)
        assert not [run.error for run in runs.values() if run.error]
        return runs

    def read(self, table: Table) -> DataFrame:
        return self.lake.read(table)

    def silver(self) -> list[dict]:
        """The current employments as dicts, in the order of their keys."""
        rows = self.read(self.tables.current).orderBy(*self.contract.key).collect()
        return [row.asDict(recursive=True) for row in rows]

    def history(self) -> list[dict]:
        """The history as dicts, in the order of key and time."""
        rows = self.read(self.tables.history).orderBy(*self.contract.key, "valid_from").collect()
        return [row.asDict(recursive=True) for row in rows]

    def quarantine(self) -> list[dict]:
        """The quarantine as dicts, by file and row."""
        order = ["_source_file", "_generation", "_row_number"]
        rows = self.read(self.tables.quarantine).orderBy(*order).collect()
        return [row.asDict(recursive=True) for row in rows]

    def reasons(self) -> list[tuple[str, int | None, list[str]]]:
        """(file, row, codes) of what is open in the quarantine."""
        return [
            (
                row["_source_file"].split("/")[-1],
                row["_row_number"],
                [r["code"] for r in row["reasons"]],
            )
            for row in self.quarantine()
            if row["state"] == "open"
        ]

    def content(self, *, arrival: bool = True) -> dict[str, str]:
        """A hash of the rows of each table, whatever their order; without `arrival` only the tables
        that do not depend on the order in which deliveries arrived."""
        tables = [self.tables.current, self.tables.history, self.tables.identity]
        tables += GOLD_TABLES
        if arrival:
            tables += [self.tables.bronze, self.tables.staging]
        hashes = {table.name: _content(self.read(table)) for table in tables}
        refused = self.read(self.tables.quarantine).where("state = 'open'")
        return {**hashes, "quarantine": _content(refused)}

    def versions(self) -> dict[str, int]:
        """The version of each table that holds data of the dataset."""
        tables = [*self.tables.all, *GOLD_TABLES]
        return {table.name: self.lake.version(table) for table in tables}


def _content(rows: DataFrame) -> str:
    # When a row was ingested is the one thing that a rerun may change.
    kept = [name for name in rows.columns if name != "_ingested_at"]
    as_text = rows.select(F.to_json(F.struct(*kept), {"ignoreNullFields": "false"}))
    lines = sorted(row[0] for row in as_text.collect())
    return f"{len(lines)} rows {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:16]}"
