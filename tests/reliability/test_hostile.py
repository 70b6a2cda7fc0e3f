"""Bad deliveries of many classes: each row has one outcome, each reason is reached, each end is a sentence.

MLB_SEED chooses other generated rows and MLB_ROWS how many (`make hostile`).
"""

import ast
import io
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import functions as F
from rich.console import Console

from spark_jobs.contracts.contract import Contract
from spark_jobs.jobs.runner import STAGES
from spark_jobs.lake.tables import RUNS
from spark_jobs.landing.csv_file import MAX_BYTES
from spark_jobs.report.quarantine import refused, show_list
from spark_jobs.silver.batch import IDENTITY_CONFLICT, SEQUENCE_CONFLICT
from tests.conftest import KEY
from tests.lakes import DAY, TestLake, csv_of, employment
from tests.reliability.generated import Generated, generate
from tests.reliability.hostile import (
    CORPUS,
    FILES_READ,
    FILES_REFUSED,
    FOLDERS,
    IGNORED_NAMES,
    NOT_UTF8,
    TRICKS_IN_NAMES,
)

SEED = int(os.environ.get("MLB_SEED", "20231001"))
ROWS = int(os.environ.get("MLB_ROWS", "100000"))
FEW_ROWS = 4000
#: What Python, the JVM and its Python workers may take together: the JVM's heap is 1 GB here.
MOST_MEGABYTES = 2600
Reasons = dict[str, dict[int | None, tuple[str, ...]]]


@pytest.fixture(scope="module")
def delivered(module_lake: Callable[..., TestLake]) -> TestLake:
    """All classes as the files of one delivery, through all stages."""
    lake = module_lake(quarantine_limit=1)
    deliver_corpus(lake)
    lake.succeed()
    return lake


def deliver_corpus(lake: TestLake) -> None:
    for name, hostile in CORPUS.items():
        lake.deliver(hostile.content(), name + hostile.suffix)


@pytest.fixture(scope="module")
def reasons(delivered: TestLake) -> Reasons:
    """Why what is refused is, by the file's class and the row's number."""
    found: Reasons = {}
    for file, number, codes in delivered.reasons():
        found.setdefault(file.split(".")[0], {})[number] = tuple(codes)
    return found


@pytest.fixture(scope="module")
def staged(delivered: TestLake) -> Counter[str]:
    """How many rows of each class are staged."""
    rows = delivered.read(delivered.tables.staging).groupBy("_source_file").count().collect()
    return Counter({row["_source_file"].split("/")[-1].split(".")[0]: row["count"] for row in rows})


@pytest.mark.parametrize("name", FILES_REFUSED)
def test_a_file_that_cannot_be_read_is_refused_whole(name: str, reasons: Reasons, staged: Counter) -> None:
    assert reasons[name] == {None: (CORPUS[name].refused,)}
    assert not staged[name]


@pytest.mark.parametrize("name", FILES_READ)
def test_each_record_has_the_outcome_of_its_class(name: str, reasons: Reasons, staged: Counter) -> None:
    hostile = CORPUS[name]
    assert {n: sorted(codes) for n, codes in reasons.get(name, {}).items()} == {
        n: sorted(codes) for n, codes in hostile.codes.items()
    }
    assert staged[name] == hostile.records - len(hostile.codes) - sum(hostile.others.values())


def test_every_reason_is_reached_by_the_corpus(delivered: TestLake, reasons: Reasons) -> None:
    warnings = delivered.read(delivered.tables.staging).select(F.explode("quality_warnings")).distinct()
    reached = {code for rows in reasons.values() for codes in rows.values() for code in codes}
    reached |= {row[0] for row in warnings.collect()}
    # No file of the corpus has a name that is no text: that is test_tricks_in_names.
    assert all_reasons(delivered.contract) - {"file_name_not_utf8"} == reached


def all_reasons(contract: Contract) -> set[str]:
    """The codes of the contract's rules, types and required columns, of collisions, and of files."""
    codes = {rule.name for rule in contract.rules} | {IDENTITY_CONFLICT, SEQUENCE_CONFLICT}
    codes |= {f"{column.name}_missing" for column in contract.columns if column.required}
    codes |= {f"{column.name}_unreadable" for column in contract.columns if column.type != "string"}
    for module in ("landing/csv_file.py", "bronze/files.py"):
        tree = ast.parse((Path(__file__).parents[2] / "spark_jobs" / module).read_text())
        texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
        codes |= {text for text in texts if isinstance(text, str) and re.fullmatch("file_[a-z0-9_]+", text)}
    return codes


def test_people_read_what_was_refused(delivered: TestLake) -> None:
    """Sentences hold pieces of what was delivered: none of them is taken for markup."""
    out = io.StringIO()
    rows = refused(delivered.lake, delivered.contract, "open", DAY, None)
    show_list(rows, Console(file=out, width=200), limit=10_000)
    assert "zip_bomb" in out.getvalue() and "The header names [/red] twice." in out.getvalue()


def test_again_changes_nothing(delivered: TestLake) -> None:
    versions = delivered.versions()
    assert delivered.succeed("ingest", "etl")["ingest"].rows["files_known"] == len(CORPUS)
    assert delivered.versions() == versions


def test_tricks_in_names(new_lake: Callable[..., TestLake]) -> None:
    lake = new_lake(quarantine_limit=1)
    for number, name in enumerate(TRICKS_IN_NAMES):
        lake.deliver(csv_of(employment(employee_id=f"name{number:02}")), name)
    folder = lake.deliver(csv_of(employment(employee_id="ignored1")), IGNORED_NAMES[0]).parent
    for name in (*IGNORED_NAMES[1:], *(f"{folder}/a.csv" for folder in FOLDERS)):
        lake.deliver(csv_of(employment(employee_id="ignored1")), name)
    with open(os.fsencode(folder) + b"/" + NOT_UTF8, "wb") as file:
        file.write(csv_of(employment(employee_id="ignored1")).encode())
    with (folder / "large.csv").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    run = lake.succeed("ingest", "etl")["ingest"]
    assert {people["employee_id"] for people in lake.read(lake.tables.staging).collect()} == {
        f"name{number:02}" for number in range(len(TRICKS_IN_NAMES))
    }
    assert sorted(codes for _, _, (codes,) in lake.reasons()) == ["file_name_not_utf8", "file_too_large"]
    for name in (*IGNORED_NAMES, *FOLDERS):
        assert any(f"/{name}: Ignored, since" in note for note in run.notes), name
    assert lake.succeed("ingest")["ingest"].rows["files_known"] == len(TRICKS_IN_NAMES) + 2
    out = io.StringIO()
    show_list(refused(lake.lake, lake.contract, None, DAY, None), Console(file=out, width=200), limit=100)
    assert "large.csv" in out.getvalue()


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(FEW_ROWS, id=f"{FEW_ROWS} rows, seed {SEED}"),
        pytest.param(ROWS, id=f"{ROWS} rows, seed {SEED}", marks=pytest.mark.long),
    ],
)
def test_each_generated_row_has_one_outcome(
    rows: int, new_lake: Callable[..., TestLake], capsys: pytest.CaptureFixture[str]
) -> None:
    lake, made = new_lake(quarantine_limit=1), generate(rows, SEED)
    for name, content in made.files.items():
        lake.deliver(content, name)
    etl = lake.succeed()["etl"]
    assert etl.rows["rows_in"] == len(made.outcome) >= rows
    check_outcomes(lake, made)
    counts = {name: etl.rows[name] for name in ("staged", "duplicate", "superseded", "quarantined")}
    assert counts == Counter(made.outcome.values())
    with capsys.disabled():
        reached = len({code for codes in made.codes.values() for code in codes})
        print(f"\nseed {SEED}: {len(made.outcome):,} rows, {counts}, {reached} reasons", end=" ")


def check_outcomes(lake: TestLake, made: Generated) -> None:
    """Each row is where it belongs, and nowhere else."""
    refused_rows = {(file, row): tuple(sorted(codes)) for file, row, codes in lake.reasons()}
    assert refused_rows == made.codes
    places = lake.read(lake.tables.staging).select("_source_file", "_row_number").collect()
    staged_rows = Counter((file.split("/")[-1], row) for file, row in places)
    assert staged_rows == Counter(place for place, outcome in made.outcome.items() if outcome == "staged")


@pytest.mark.long
def test_as_a_process_it_ends_with_a_sentence_and_in_bounded_memory(
    new_lake: Callable[..., TestLake], capsys: pytest.CaptureFixture[str]
) -> None:
    lake = new_lake()
    deliver_corpus(lake)
    for number in range(2):  # as large as a file may be, one for each core
        lake.deliver(
            csv_of(employment(employee_id=f"large{number}")) + "\n" * (MAX_BYTES - 400), f"l{number}.csv"
        )
    for name, content in generate(ROWS, SEED).files.items():
        lake.deliver(content, name)
    code, output = as_a_process(lake)
    assert code == 3, output[-3000:]
    assert "Traceback" not in output and "more than the limit of 20%" in output
    # Once more, and let all that is good of it pass: to Gold.
    code, output = as_a_process(lake, MLB_QUARANTINE_LIMIT="1")
    assert code == 0, output[-3000:]
    runs = lake.read(RUNS).collect()
    took = {run["job"]: run["measures"]["driver_peak_memory_bytes"] / 1e6 for run in runs}
    assert set(took) == set(STAGES)
    assert max(took.values()) < MOST_MEGABYTES, took
    with capsys.disabled():
        print(f"\nMB of memory: {', '.join(f'{job} {most:,.0f}' for job, most in took.items())}", end=" ")


def as_a_process(lake: TestLake, **settings: str) -> tuple[int, str]:
    """The exit code of `spark-jobs run` for the day, and what it said."""
    environment = {
        **os.environ,
        "MLB_LANDING": lake.settings.landing,
        "MLB_LAKE": lake.settings.lake,
        "MLB_SPARK_LOG": str(lake.settings.spark_log),
        "MLB_PSEUDONYM_KEY": KEY,
        "MLB_DRIVER_MEMORY": "1g",
        **settings,
    }
    command = [sys.executable, "-m", "spark_jobs", "run", "--date", str(DAY)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
