"""reprocess, restore, rotate-key, history and diff on a handful of employments."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyspark.sql import functions as F

from spark_jobs.cli import main
from spark_jobs.contracts.contract import Contract, parse_contract
from spark_jobs.jobs.reprocess import reprocess
from spark_jobs.jobs.restore import restore
from spark_jobs.jobs.rotate_key import rotate_key
from spark_jobs.jobs.runner import run_job
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.travel import why_unreachable
from spark_jobs.ledger import Run
from spark_jobs.privacy.pseudonyms import pseudonym
from spark_jobs.settings import CONTRACT
from tests.conftest import KEY
from tests.lakes import DAY, TestLake, csv_of, employment, termination

NEXT = dt.date(2023, 10, 2)
CHEAP = "salary IS NULL OR salary BETWEEN 0 AND 20000000"
NEW_KEY = "another-key-for-tests-that-is-long-enough-987654321"
PUBLISHED = ("silver/", "gold/", "staging/")


@pytest.fixture(scope="module")
def stricter() -> Contract:
    """Today's contract with another limit for salaries."""
    text = CONTRACT.read_text()
    assert text.count("salary IS NULL OR salary >= 0") == 1
    text = text.replace("salary IS NULL OR salary >= 0", CHEAP).replace("version: 1.0.0", "version: 1.1.0")
    return parse_contract(text)


def person(number: int, **changes: str) -> dict[str, str]:
    return employment(
        employee_id=f"person{number:02}", ssn=f"9000001{number:02}", last_name=f"Name{number}", **changes
    )


def deliver(lake: TestLake) -> None:
    """Six people, of whom one is dear in both seasons; then a raise, a late row, a leaver, a bad row."""
    people = [person(n, season=str(2014 + n % 2)) for n in range(6)]
    dear = [person(6, season=season, salary="30000000") for season in ("2014", "2015")]
    lake.deliver(csv_of(*people, *dear))
    later = {"updated_at": "2015-04-01T09:00:00Z"}
    lake.deliver(
        csv_of(
            person(0, season="2014", salary="13000000", **later),
            person(1, season="2015", salary="25000000", **later),
            person(2, season="2014", updated_at="2014-01-01T09:00:00Z", salary="1"),
            termination(employee_id="person03", season="2015", **later),
            *(person(n, season="2014") for n in range(7, 12)),
            person(12, season="2014", salary="-1"),
        ),
        day=NEXT,
    )


@pytest.fixture(scope="module")
def loaded(module_lake: Callable[..., TestLake]) -> TestLake:
    """Both deliveries, run in their order; for tests to copy."""
    lake = module_lake(quarantine_limit=0.3)
    deliver(lake)
    lake.succeed("ingest", "etl", "load", "aggregate")
    lake.succeed("ingest", "etl", "load", "aggregate", day=NEXT)
    return lake


def run(lake: TestLake, name: str, job: Callable) -> Run:
    return run_job(lake.spark, lake.settings, lake.contract, name, None, job)


def published(content: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in content.items() if name.startswith(PUBLISHED)}


class Killed(RuntimeError):
    """Stands for a process that ends between two commits."""


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, commits: int) -> Iterator[None]:
    """Let the live tables get so many commits more."""
    left = commits

    def limited(original: Callable) -> Callable:
        def commit(self: Lake, *args, **kwargs):
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            return original(self, *args, **kwargs)

        return commit

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "commit", limited(Lake.commit))
        patch.setattr(Lake, "set_properties", limited(Lake.set_properties))
        yield


def until_done(
    lake: TestLake, name: str, job: Callable, monkeypatch: pytest.MonkeyPatch, *kills: int
) -> None:
    """Run a job and kill it after so many commits, again and again, and then let it end."""
    for commits in kills:
        with dying(monkeypatch, commits):
            tried = run(lake, name, job)
        assert "Killed" in str(tried.error)
        others = lake.run("load")["load"]
        assert others.exit_code == 1 and f"`spark-jobs {name}" in str(others.error)
    assert run(lake, name, job).point


@pytest.mark.long
def test_killed_between_commits_and_run_again(
    loaded: TestLake,
    new_lake: Callable[..., TestLake],
    stricter: Contract,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lake, expected = loaded.copy_to(tmp_path), new_lake("expected", quarantine_limit=0.3)
    before, silver = lake.content(), lake.lake.version(lake.tables.current)
    under_stricter = TestLake(lake.spark, stricter, lake.settings)
    expected = TestLake(lake.spark, stricter, expected.settings)
    deliver(expected)
    for day in (NEXT, DAY):  # in the other order
        expected.succeed("ingest", "etl", "load", day=day)
    expected.succeed("aggregate", day=NEXT)

    # reprocess: as if all had been loaded under the new rule from the start.
    until_done(under_stricter, "reprocess", reprocess, monkeypatch, 1, 5)
    assert under_stricter.content() == expected.content() != before
    versions = under_stricter.versions()
    again = run(under_stricter, "reprocess", reprocess)
    assert again.exit_code == 0 and under_stricter.versions() == versions
    assert not Path(f"{lake.lake.root}/rebuild").is_dir() or not list(
        Path(f"{lake.lake.root}/rebuild").rglob("*.parquet")
    )

    # restore: the same rows as at the point.
    def back(job) -> None:
        restore(job, version=silver)

    tried = run(lake, "restore", lambda job: restore(job, version=silver, dry_run=True))
    assert tried.exit_code == 0 and lake.versions() == versions
    assert any(name.startswith("silver/employees ") for name in tried.rows)
    until_done(lake, "restore", back, monkeypatch, 4)
    assert published(lake.content()) == published(before)
    versions = lake.versions()
    assert run(lake, "restore", back).exit_code == 0 and lake.versions() == versions

    # rotate-key: other pseudonyms, and nothing else.
    file = tmp_path / "new.key"
    file.write_text(NEW_KEY)
    rotating = TestLake(
        lake.spark, lake.contract, lake.settings.model_copy(update={"new_pseudonym_key_file": file})
    )
    clear = [row.asDict() for row in _without_pseudonyms(lake)]
    until_done(rotating, "rotate-key", rotate_key, monkeypatch, 2)
    assert [row.asDict() for row in _without_pseudonyms(lake)] == clear
    ssns = {f"9000001{n:02}" for n in range(13)}
    for table in (lake.tables.staging, lake.tables.current, lake.tables.history, lake.tables.identity):
        found = {row[0] for row in lake.read(table).select("ssn").where("ssn IS NOT NULL").collect()}
        assert found and found <= {pseudonym(NEW_KEY.encode(), "ssn", ssn) for ssn in ssns}
        assert not found & {pseudonym(KEY.encode(), "ssn", ssn) for ssn in ssns}
    versions = lake.versions()
    assert run(rotating, "rotate-key", rotate_key).exit_code == 0 and lake.versions() == versions
    refused = run(lake, "restore", back)
    assert refused.exit_code == 2 and "under another key" in str(refused.error)
    assert lake.versions() == versions
    assert lake.run("etl")["etl"].exit_code == 2


def _without_pseudonyms(lake: TestLake) -> list:
    rows = lake.read(lake.tables.current).drop("ssn", "email", "phone")
    return rows.orderBy(*lake.contract.key).collect()


def test_bronze_as_it_was_some_seasons_and_a_dry_run(
    loaded: TestLake, stricter: Contract, tmp_path: Path
) -> None:
    lake = loaded.copy_to(tmp_path)
    content, versions, point = lake.content(), lake.versions(), lake.lake.version(lake.tables.current)
    strict = TestLake(lake.spark, stricter, lake.settings)

    # Under a lower limit the first delivery is refused whole: two of its eight rows are dear.
    lower = lake.settings.model_copy(update={"quarantine_limit": 0.2})
    told, under_limit = [], TestLake(lake.spark, stricter, lower)
    dry = run(under_limit, "reprocess", lambda job: told.extend(reprocess(job, dry_run=True)))
    assert dry.exit_code == 0 and lake.versions() == versions and not dry.point
    assert dry.measures["written_files"] == 0
    assert "2023-10-01: left out" in str(dry.notes)
    current = next(t for t in told if t.table == "silver/employees")
    assert (current.rows_before, current.differences.deleted) == (13, 5)
    rebuilt = Path(f"{lake.lake.root}/rebuild/silver/employees")
    assert lake.spark.read.format("delta").load(str(rebuilt)).count() == current.rows_after == 8

    only = run(strict, "reprocess", lambda job: reprocess(job, seasons=[2015]))
    assert only.exit_code == 0 and only.parameters == {"seasons": "2015"}
    assert only.measures["written_files"] >= 1
    dear = lake.read(lake.tables.current).where("salary > 20000000").collect()
    assert [row["season"] for row in dear] == [2014]

    # Delta alone refuses what is older than this, be its files there or not.
    lake.lake.set_properties(
        lake.tables.bronze, {"delta.deletedFileRetentionDuration": "interval 1 seconds"}
    )
    # Back to the first delivery: the second is taken back, and has to be staged anew.
    first = run(lake, "reprocess", lambda job: reprocess(job, version=1))
    assert first.exit_code == 0 and "2023-10-02: not in this version of Bronze" in str(first.notes)
    assert {row["_delivery_date"] for row in lake.read(lake.tables.current).collect()} == {DAY}
    waits = lake.run("load", day=NEXT)["load"]
    assert waits.exit_code == 1 and "run etl" in str(waits.error)
    lake.succeed("etl", "load", "aggregate", day=NEXT)
    assert lake.content() == content

    # A file that is no longer there: nothing is touched, and the sentence says what can be done.
    versions = lake.versions()
    spark, path = lake.spark, lake.lake.path(lake.tables.current)
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    spark.sql(f"VACUUM delta.`{path}` RETAIN 0 HOURS")
    spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    versions = lake.versions()
    gone = run(lake, "restore", lambda job: restore(job, version=point))
    assert gone.exit_code == 2 and lake.versions() == versions
    said = str(gone.error)
    assert "silver/employees can no longer be read at version" in said and "VACUUM" in said
    assert "reprocess --bronze-version 0" in said
    history = lake.tables.history
    log, none = lake.lake.log(history), spark._jvm.scala.Option.empty()  # pyright: ignore
    log.checkpoint(log.update(False, none, none), none)
    for file in Path(lake.lake.path(history)).glob("_delta_log/0000000000000000000[01].json"):
        file.unlink()
    assert "has been cleaned up" in str(why_unreachable(lake.lake, history, 1))
    assert why_unreachable(lake.lake, history, lake.lake.version(history)) is None
    _check_the_command_line(lake)


def _check_the_command_line(lake: TestLake) -> None:
    def cli(*arguments: str) -> Result:
        settings = lake.settings
        env = {"MLB_LAKE": settings.lake, "MLB_LANDING": settings.landing, "MLB_PSEUDONYM_KEY": KEY}
        return CliRunner().invoke(main, list(arguments), env={**env, "COLUMNS": "200"})

    listed = cli("history", "staging/employees")
    assert listed.exit_code == 0 and "reprocess" in listed.output and "2023-10-02" in listed.output
    newest = str(lake.lake.version(lake.tables.staging))
    shown = cli("diff", "staging/employees", "--from", str(int(newest) - 1), "--to", newest)
    assert shown.exit_code == 0 and "added" in shown.output and "person07" in shown.output
    assert "Name7" not in shown.output and "9000001" not in shown.output
    assert "aggregate" in cli("history").output

    future = f"{dt.date.today().year + 2}-01-01"
    for arguments, sentence in (
        (("history", "silver/nothing"), "There is no table silver/nothing"),
        (("diff", "ops/runs", "--from", "0", "--to", "999"), "has no version 999"),
        (("reprocess", "--bronze-version", "77"), "no version 77: its versions are 0 to 3"),
        (("reprocess", "--bronze-as-of", future), "is in the future"),
        (("reprocess", "--bronze-as-of", "2001-01-01"), "has no version of 2001-01-01"),
        (("restore", "--to-version", "99"), "is no consistent point of the ledger; the nearest"),
        (("restore", "--as-of", future), "is in the future"),
        (("restore", "--as-of", "2001-01-01T00:00:00+02:00"), "2000-12-31T22:00:00.000Z"),
        (("rotate-key",), "--new-key-file"),
    ):
        result = cli(*arguments)
        assert result.exit_code == 2, (arguments, result.output)
        assert sentence in " ".join(result.output.split()), (arguments, result.output)


def test_a_rotation_of_the_lakes_own_key(new_lake: Callable[..., TestLake]) -> None:
    made = new_lake("own")
    lake = TestLake(made.spark, made.contract, made.settings.model_copy(update={"pseudonym_key": None}))
    lake.deliver(csv_of(person(1), person(2)))
    lake.succeed()
    place = Path(f"{lake.lake.root}.key")
    old = place.read_text()
    assert run(lake, "rotate-key", rotate_key).exit_code == 0
    assert place.read_text() != old and not place.with_name(f"{place.name}.new").exists()
    assert place.stat().st_mode & 0o777 == 0o600
    new = place.read_text().strip().encode()
    assert {row["ssn"] for row in lake.silver()} == {pseudonym(new, "ssn", f"90000010{n}") for n in (1, 2)}
    versions = lake.versions()
    lake.succeed()
    assert lake.versions() == versions

    # A row of Silver that Bronze does not explain: refused, and nothing is changed.
    staging = lake.tables.staging
    foreign = (
        lake.read(staging)
        .limit(1)
        .withColumns({"_row_id": F.lit("not in Bronze"), "team_id": F.lit("BOS")})
    )
    lake.lake.append(staging, foreign)
    versions = lake.versions()
    refused = run(lake, "rotate-key", rotate_key)
    assert refused.exit_code == 2 and "do not follow from Bronze" in str(refused.error)
    assert lake.versions() == versions
