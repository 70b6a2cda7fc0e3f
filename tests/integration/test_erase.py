"""Erasure on the real sample feed: 200 planted people, half of them erased, and every byte searched."""

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from spark_jobs.gold import GOLD, data_quality_daily, team_season_payroll
from spark_jobs.jobs import runner
from spark_jobs.jobs.erase import Request, erase, erase_again
from spark_jobs.jobs.erasures import apply_erasures
from spark_jobs.jobs.runner import run_job
from spark_jobs.lake import purge
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import ERASURES, MANIFEST, Table
from spark_jobs.ledger import Run
from spark_jobs.privacy.pseudonyms import pseudonym
from spark_jobs.privacy.scan import scan
from spark_jobs.sample_feed import write_sample_feed
from tests.conftest import KEY
from tests.lakes import HEADER, TestLake, csv_of, employment, termination

OPENING, JULY = dt.date(2023, 10, 2), dt.date(2023, 10, 3)
REASON = "Asked for it by letter, case 17"


@dataclass(frozen=True)
class Canary:
    """A person who stands nowhere else: whatever names one is found again."""

    number: int

    @property
    def _digest(self) -> str:
        return hashlib.sha256(f"canary {self.number}".encode()).hexdigest()

    def _digits(self, start: str, length: int) -> str:
        return (start + str(int(self._digest, 16)))[:length]

    @property
    def columns(self) -> dict[str, str]:
        word, ssn, phone = self._digest[:6], self._digits("9", 9), self._digits("55", 10)
        return {
            "employee_id": f"canary{self.number:03}{word}",
            "last_name": f"Zaunk{word}könig",
            "ssn": f"{ssn[:3]}-{ssn[3:5]}-{ssn[5:]}",
            "email": f"Bird.{word}+{self.number}@Example.org",
            "phone": f"({phone[:3]}) {phone[3:6]}-{phone[6:]}",
        }

    @property
    def identifiers(self) -> list[str]:
        """Everything that names the person, as delivered, as tidied, and as Silver's pseudonyms."""
        columns = self.columns
        tidied = {
            "ssn": self._digits("9", 9),
            "email": columns["email"].lower(),
            "phone": self._digits("55", 10),
        }
        pseudonyms = [str(pseudonym(KEY.encode(), kind, value)) for kind, value in tidied.items()]
        return [*columns.values(), *tidied.values(), *pseudonyms]


CANARIES = [Canary(number) for number in range(200)]
ERASED, KEPT = CANARIES[::2], CANARIES[1::2]


def row(canary: Canary, **changes: str) -> dict[str, str]:
    return employment(**canary.columns, **changes)


def opening_day(salary: str) -> str:
    """All 200: some refused, some in lines that cannot be split, and a column that nobody knows."""
    rows = [row(canary, salary=salary) for canary in CANARIES]
    for number in (10, 11, 12, 13):
        rows[number]["salary"] = "-1"
    rows[14]["employee_id"] = f"  {rows[14]['employee_id'].upper()}\t"
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*HEADER.split(","), "note"], lineterminator="\n")
    writer.writeheader()
    for values in rows:
        # A kept person's row names an erased one: that value has to go, the row has to stay.
        about = CANARIES[20] if values is rows[21] else CANARIES[rows.index(values)]
        writer.writerow(
            {**values, "note": f"knows {about.columns['email']}, {about.columns['employee_id']}"}
        )
    for canary in (CANARIES[16], CANARIES[17]):
        text.write(f"{canary.columns['employee_id']};too;few\n")
    for canary in (CANARIES[18], CANARIES[19]):
        text.write(f"???,2014,{canary.columns['ssn'].replace('-', ' ')}\n")
    return text.getvalue()


def july() -> bytes:
    """Updates and deletes, as a spreadsheet program writes them."""
    changed = [row(c, salary="777777", updated_at="2014-07-01T09:00:00Z") for c in CANARIES[:60]]
    deleted = [
        termination(employee_id=c.columns["employee_id"], updated_at="2014-07-02T09:00:00Z")
        for c in CANARIES[60:100]
    ]
    text = "\ufeff" + csv_of(*changed, *deleted).replace("\n", "\r\n")
    return gzip.compress(text.encode())


def erase_job(lake: TestLake, *employee_ids: str, reason: str = REASON) -> Run:
    request = Request(employee_ids, reason, "tests")
    return run_job(lake.spark, lake.settings, lake.contract, "erase", None, lambda job: erase(job, request))


def again_job(lake: TestLake) -> Run:
    return run_job(lake.spark, lake.settings, lake.contract, "erase", None, erase_again)


def found(lake: TestLake) -> frozenset[str]:
    jvm: Any = lake.spark.sparkContext._jvm
    log = Path(jvm.System.getProperty("mlb.spark.log"))
    places = [Path(lake.settings.lake_root), Path(lake.settings.landing_root), log]
    result = scan(lake.spark, places, [i for c in CANARIES for i in c.identifiers])
    assert result.unreadable == ()
    assert result.files > 100
    return result.identifiers


def table_rows(lake: TestLake) -> dict[str, list[str]]:
    return {table.name: sorted(lake.read(table).toJSON().collect()) for table in lake.tables.all}


def landing_bytes(lake: TestLake) -> dict[str, bytes]:
    root = Path(lake.settings.landing_root)
    files = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
    return {
        name: gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for name, path in files.items()
    }


NAMES_OF_ERASED = [
    *(value for canary in ERASED for value in canary.identifiers[:8]),
    *(canary.columns["employee_id"].upper() for canary in ERASED),
    *(canary.columns["ssn"].replace("-", " ") for canary in ERASED),
]
MENTION = f"knows {CANARIES[20].columns['email']}, {CANARIES[20].columns['employee_id']}"


def without_erased(lines: list[str]) -> list[str]:
    """Lines (of a file, or rows as JSON) without those of erased people."""
    blanked = [
        line.replace(f'"{MENTION}"', '""').replace(f'\\"{MENTION}\\"', '\\"\\"')
        if CANARIES[21].columns["employee_id"] in line
        else line
        for line in lines
    ]
    return [line for line in blanked if not any(name in line for name in NAMES_OF_ERASED)]


@pytest.fixture(scope="module")
def planted(module_lake: Callable[..., TestLake]) -> TestLake:
    lake = module_lake()
    write_sample_feed(Path(lake.settings.landing), teams=frozenset({"NYA", "BOS"}))
    lake.deliver(opening_day("500000"), "canaries.csv", OPENING)
    lake.succeed("ingest", day=OPENING)
    lake.deliver(opening_day("600000"), "canaries.csv", OPENING)
    lake.deliver(july(), "canaries.csv.gz", JULY)
    lake.succeed("ingest", "etl", "load", day=OPENING)
    lake.succeed(day=JULY)
    return lake


def test_misuse_is_a_sentence_that_names_nobody(planted: TestLake) -> None:
    columns = ERASED[0].columns
    for employee_id, reason, said in (
        ("nobody99", REASON, "unknown"),
        ("two words", REASON, "Argument 1 is no employee_id"),
        (columns["employee_id"], f"Letter of {columns['employee_id'].upper()}", "tells who"),
        (columns["employee_id"], f"{columns['last_name']}'s letter", "tells who"),
        (columns["employee_id"], " ", "1 to 500 characters"),
    ):
        run = erase_job(planted, employee_id, reason=reason)
        assert run.exit_code == 2 and said in str(run.error)
        told = json.dumps(run.values(), default=str, ensure_ascii=False).lower()
        named = ["nobody99", "two words", *(value.lower() for value in ERASED[0].identifiers)]
        assert not [word for word in named if word in told]
    assert not planted.lake.exists(ERASURES)


def test_half_of_200_people_are_gone_and_nothing_else_is(planted: TestLake) -> None:
    lake = planted
    everybody = found(lake)
    # All but the digits of SSN and telephone, for which Silver has pseudonyms.
    assert {i for c in CANARIES for i in (*c.columns.values(), *c.identifiers[8:])} <= everybody
    before, files = table_rows(lake), landing_bytes(lake)
    headcount = sum(r["headcount"] for r in lake.read(team_season_payroll.TABLE).collect())
    employed = lake.read(lake.tables.current).where("NOT is_deleted").collect()
    erased_ids = {canary.columns["employee_id"] for canary in ERASED}

    ids = [canary.columns["employee_id"] for canary in ERASED]
    run = erase_job(lake, ids[0].upper(), *ids[1:])
    assert run.error is None and run.rows["files_redacted"] == 2
    assert run.point and run.point[lake.tables.current.name] == lake.versions()[lake.tables.current.name]

    assert found(lake) == everybody - {i for canary in ERASED for i in canary.identifiers}
    after = table_rows(lake)
    for name, rows in before.items():
        assert after[name] == without_erased(rows), name
        assert after[name] or name.endswith("_attempts")
    for name, content in landing_bytes(lake).items():
        lines = files[name].decode("utf-8", "surrogateescape").splitlines(keepends=True)
        kept = "".join(without_erased(lines)).encode("utf-8", "surrogateescape")
        assert content.replace(b',""\n', b",\n") == kept.replace(b',""\n', b",\n"), name
    gone = [row for row in employed if row["employee_id"] in erased_ids]
    assert gone
    left = sum(r["headcount"] for r in lake.read(team_season_payroll.TABLE).collect())
    assert left == headcount - len(gone)
    ledger = lake.read(ERASURES).collect()
    assert len(ledger) == 100 and {row["state"] for row in ledger} == {"complete"}


def test_again_changes_nothing(planted: TestLake) -> None:
    versions = {**planted.versions(), ERASURES.name: planted.lake.version(ERASURES)}
    run = erase_job(planted, ERASED[0].columns["employee_id"])
    assert run.error is None and any("Erased on" in note for note in run.notes)
    assert again_job(planted).error is None
    assert versions == {**planted.versions(), ERASURES.name: planted.lake.version(ERASURES)}


def test_under_another_erasure_key_nothing_comes_in(planted: TestLake) -> None:
    key = SecretStr("another-key-of-32-characters-or-more")
    settings = planted.settings.model_copy(update={"erasure_key": key})
    run = run_job(planted.spark, settings, planted.contract, "ingest", JULY)
    assert run.exit_code == 2 and "another key" in str(run.error)


def test_the_next_days_go_on_and_nobody_comes_back(planted: TestLake) -> None:
    lake = planted
    bronze = lake.read(lake.tables.bronze).count()
    # The very file again, and a new one.
    lake.deliver(july(), "canaries.csv.gz", JULY)
    new = csv_of(row(ERASED[0], salary="1"), row(KEPT[0], salary="1", updated_at="2014-08-01T09:00:00Z"))
    lake.deliver(new, "new.csv", JULY)
    rows = lake.succeed(day=JULY)["ingest"].rows
    assert (rows["rows_erased"], rows["rows_in"]) == (51, 1)
    assert lake.read(lake.tables.bronze).count() == bronze + 1
    assert [r for r in lake.silver() if r["salary"] == 1]
    assert not found(lake) & {i for canary in ERASED for i in canary.identifiers}


DAY = dt.date(2023, 10, 1)
GONE, STAYS = employment(), employment(employee_id="other01", ssn="900-00-0001", email="o@example.org")
MARKS = ["jeterde01", "900-12-3456", "900123456", "900 12 3456"]


@pytest.fixture
def few(lake: TestLake) -> TestLake:
    """Two people: one with a good row, a refused one, and lines that only an SSN or an id tells of."""
    stays = [
        {**STAYS, "team_id": "BOS"},
        {**STAYS, "team_id": "CHA"},
        {**STAYS, "team_id": "CHN", "league": "NL"},
    ]
    broken = "???,900 12 3456\njeterde01,too,few\n"
    lake.deliver(csv_of(GONE, {**GONE, "team_id": "BOS", "salary": "-1"}, *stays) + broken)
    lake.settings = lake.settings.model_copy(update={"quarantine_limit": 1.0})
    lake.succeed()
    return lake


def marks(lake: TestLake) -> frozenset[str]:
    places = [Path(lake.settings.lake_root), Path(lake.settings.landing_root)]
    return scan(lake.spark, [place for place in places if place.exists()], MARKS).identifiers


class Killed(RuntimeError):
    """Stands for a process that ends between two steps."""


def test_an_erasure_that_was_never_told_is_told_by_the_next(
    few: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(runner, "record", killed)
        assert erase_job(few, "jeterde01").exit_code == 1
    for again in (lambda: erase_job(few, "jeterde01"), lambda: again_job(few)):
        run = again()
        # No older version can be read, so that the newest point must be of now.
        assert run.error is None and run.point is not None
        assert run.point.items() >= {table.name: few.lake.version(table) for table, _ in GOLD}.items()
    few.succeed("aggregate")
    quality = few.read(data_quality_daily.TABLE).collect()
    assert quality and all(row["conserved"] for row in quality)


@pytest.mark.long
def test_killed_between_steps_and_run_again_and_a_restored_lake_forgets_too(
    few: TestLake, new_lake: Callable[..., TestLake], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = few.tables
    old = new_lake("old", quarantine_limit=1.0)
    shutil.copytree(few.settings.lake_root, old.settings.lake_root)
    to_die_after = [
        ("append", MANIFEST.name),
        ("sync", tables.current.name),
        ("_alter", tables.bronze.name),
        ("sync", tables.bronze.name),
        ("_purge", tables.bronze.name),
    ]

    def dying(module: object, name: str) -> None:
        original = getattr(module, name)

        def step(*args, **kwargs):
            result = original(*args, **kwargs)
            here = (name, next((a.name for a in args if isinstance(a, Table)), ""))
            if to_die_after and here == to_die_after[0]:
                to_die_after.pop(0)
                raise Killed
            return result

        monkeypatch.setattr(module, name, step)

    # One after the other, so that there is a moment to be killed at between any two.
    monkeypatch.setattr(Lake, "together", lambda self, *tasks: [task() for task in tasks])
    dying(Lake, "sync")
    dying(Lake, "append")
    dying(purge, "_alter")
    dying(purge, "_purge")
    while to_die_after:
        waiting = len(to_die_after)
        run = erase_job(few, "jeterde01")
        assert "Killed" in str(run.error) and len(to_die_after) == waiting - 1, to_die_after
    assert erase_job(few, "jeterde01").error is None
    monkeypatch.undo()
    assert marks(few) == frozenset()
    assert few.lake.property(tables.bronze, "delta.appendOnly") == "true"
    assert [row["employee_id"] for row in few.silver()] == ["other01"] * 3
    versions = few.versions()
    few.succeed()
    assert few.versions() == versions and marks(few) == frozenset()
    _restored_forgets(old, few)


def _restored_forgets(old: TestLake, few: TestLake) -> None:
    """As after a restore: the tables are the old ones, the ledger of erasures is the newest."""
    root, old_root = few.settings.lake_root, old.settings.lake_root
    assert marks(old)
    shutil.copytree(f"{root}/ops/erasures", f"{old_root}/ops/erasures")
    shutil.copy(f"{root}.erasure.key", f"{old_root}.erasure.key")
    run = run_job(old.spark, old.settings, old.contract, "restore", None, apply_erasures)
    assert run.error is None and run.point is not None and run.rows["bronze_erased"] == 4
    assert marks(old) == frozenset() and old.content() == few.content()
