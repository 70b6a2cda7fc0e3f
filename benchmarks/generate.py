"""Makes the work: Silver of so many rows, and deliveries into it, each with what Silver must be afterwards.

    <folder>/base/silver.parquet, bronze.parquet      the state before, as staged and as delivered
    <folder>/<scenario>/bronze/, expected.json        a delivery, and the fingerprint of Silver after it

Seeded: the same rows for the same numbers. Runs in .venv-bench.
"""

import datetime as dt
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks import rows as sql
from benchmarks.agreed import BASE_DAY, DELIVERY_DAY, KEY
from benchmarks.oracle import fingerprint, row_hash
from benchmarks.shape import CORRECTIONS, FIRST, OPENING, SEED, Shape, read_shape

_NEWEST = 2016


@dataclass(frozen=True)
class Scenario:
    """A delivery: its share of Silver's rows or their number, whether of few seasons, of which kinds."""

    name: str
    share: float
    clustered: bool
    kinds: str = CORRECTIONS
    fixed: int | None = None

    def size(self, rows: int) -> int:
        """How many rows it has, where Silver has `rows`."""
        return self.fixed or max(50, round(rows * self.share))


FIRST_LOAD = Scenario("first-load", 1.0, False, FIRST)
SCENARIOS = (
    *(
        Scenario(f"{share:g}pct-{'clustered' if clustered else 'scattered'}", share / 100, clustered)
        for share in (0.1, 1, 10)
        for clustered in (True, False)
    ),
    Scenario("1pct-insert-only", 0.01, True, OPENING),
    # The same in every size of Silver: what a night costs as history grows.
    Scenario("10k-clustered", 0, True, fixed=10_000),
    FIRST_LOAD,
)


def generate(folder: Path, rows: int, scenarios: list[Scenario]) -> dict[str, float]:
    """Write what is not there yet; returns the seconds of each part that was made."""
    seconds: dict[str, float] = {}
    missing = [s for s in scenarios if not (folder / s.name / "expected.json").exists()]
    if not missing and (folder / "base" / "done").exists():
        return seconds
    folder.mkdir(parents=True, exist_ok=True)
    shape = read_shape()
    with duckdb.connect() as db:
        db.execute(f"SET temp_directory = '{folder}/tmp'; SET TimeZone = 'UTC'")
        for name, work in _work(db, folder, rows, shape, missing):
            started = time.monotonic()
            work()
            seconds[name] = round(time.monotonic() - started, 1)
    return seconds


def _work(
    db: duckdb.DuckDBPyConnection, folder: Path, rows: int, shape: Shape, scenarios: list[Scenario]
) -> Iterator[tuple]:
    yield "base", lambda: _base(db, rows, shape)
    if not (folder / "base" / "done").exists():
        yield "first delivery", lambda: _first(db, folder / "base", rows, shape)
    hashes = f"SELECT employee_id, season, team_id, h FROM '{folder}/base/hashes.parquet'"
    for scenario in scenarios:
        place = folder / scenario.name
        yield (
            scenario.name,
            lambda s=scenario, p=place: _delivery(db, p, folder / "base", rows, shape, s, hashes),
        )


def _base(db: duckdb.DuckDBPyConnection, rows: int, shape: Shape) -> None:
    names = list(sql.HEADER)
    columns = {name: [record[name] for record in shape.records] for name in names}
    truth = pa.table({**columns, "place": list(range(len(shape.records)))})
    db.register("truth", truth)
    db.execute(sql.BASE, {"rows": rows, "records": len(shape.records), "seed": SEED})
    db.execute(sql.TEAMS)


def _first(db: duckdb.DuckDBPyConnection, folder: Path, rows: int, shape: Shape) -> None:
    """The first delivery: what it holds, and Silver after it."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = sql.kind_of(_defects_last(shape.shares[FIRST], "newcomer"))
    db.execute(sql.PICKED.format(kind=kind), {"seed": SEED, "from_season": 0, "rows": rows})
    db.execute(sql.said(first=True))
    _write_bronze(db, folder / "bronze.parquet", BASE_DAY, first=True)
    _pseudonyms(db, "base")
    staged = sql.typed_as_staged("base", "pseudonyms")
    _write(db, f"SELECT *, {_of_silver(BASE_DAY)} FROM ({staged})", folder / "silver.parquet")
    silver = f"'{folder}/silver.parquet'"
    hashes = f"SELECT employee_id, season, team_id, {row_hash(spark=False)} AS h FROM {silver}"
    _write(db, hashes, folder / "hashes.parquet")
    _expect(db, folder, f"SELECT season, count(*), sum(h) FROM '{folder}/hashes.parquet' GROUP BY season")
    (folder / "done").touch()


def _delivery(
    db: duckdb.DuckDBPyConnection,
    folder: Path,
    base: Path,
    rows: int,
    shape: Shape,
    scenario: Scenario,
    hashes: str,
) -> None:
    (folder / "bronze").mkdir(parents=True, exist_ok=True)
    if scenario.kinds == FIRST:
        link = folder / "bronze" / "part-0.parquet"
        link.unlink(missing_ok=True)
        link.hardlink_to(base / "bronze.parquet")
        (folder / "expected.json").write_text((base / "expected.json").read_text())
        return
    wanted = scenario.size(rows)
    kind = sql.kind_of(shape.shares[scenario.kinds])
    chosen = {
        "seed": hash_of(scenario.name),
        "from_season": _from_season(db, scenario, wanted),
        "rows": wanted,
    }
    db.execute(sql.PICKED.format(kind=kind), chosen)
    db.execute(sql.said(first=False))
    db.execute(sql.EFFECTS)
    _write_bronze(db, folder / "bronze" / "part-0.parquet", DELIVERY_DAY, first=False)
    _pseudonyms(db, "effects")
    staged = sql.typed_as_staged("effects", "pseudonyms")
    db.execute(f"CREATE OR REPLACE TEMP VIEW after AS SELECT *, {_of_silver(DELIVERY_DAY)} FROM ({staged})")
    replaced = (
        f"SELECT h.season, -1 AS n, -h.h AS h FROM ({hashes}) h "
        "SEMI JOIN effects USING (employee_id, season, team_id)"
    )
    changes = f"SELECT season, 1 AS n, {row_hash(spark=False)} AS h FROM after UNION ALL {replaced}"
    before = f"SELECT season, 1 AS n, h FROM ({hashes})"
    _expect(
        db, folder, f"SELECT season, sum(n), sum(h) FROM ({before} UNION ALL {changes}) GROUP BY season"
    )


def generate_days(folder: Path, rows: int, days: int, share: float) -> None:
    """Write a delivery for each of so many days, each of other rows of the newest season."""
    shape = read_shape()
    with duckdb.connect() as db:
        _base(db, rows, shape)
        for number in range(days):
            day = str(dt.date.fromisoformat(DELIVERY_DAY) + dt.timedelta(days=number))
            place = folder / "days" / day / "bronze"
            place.mkdir(parents=True, exist_ok=True)
            chosen = {"seed": hash_of(day), "from_season": _NEWEST, "rows": round(rows * share)}
            db.execute(sql.PICKED.format(kind=sql.kind_of(shape.shares[CORRECTIONS])), chosen)
            db.execute(sql.said(first=False))
            # A day later than the same rows of the day before, which would contradict them else.
            db.execute(f"UPDATE said SET updated_at = updated_at + INTERVAL {number} DAY")
            _write_bronze(db, place / "part-0.parquet", day, first=False)


def _from_season(db: duckdb.DuckDBPyConnection, scenario: Scenario, wanted: int) -> int:
    """The oldest season that a delivery takes rows of: of the newest ones as few as hold them."""
    if not scenario.clustered:
        return 0
    counts = dict(db.execute("SELECT season, count(*) FROM base GROUP BY season").fetchall())
    season = _NEWEST
    while sum(n for of, n in counts.items() if of >= season) < wanted:
        season -= 1
    return season


def _defects_last(shares: dict[str, float], plain: str) -> dict[str, float]:
    """The shares with the plain kind first."""
    return {plain: shares[plain], **{kind: share for kind, share in shares.items() if kind != plain}}


def _write_bronze(db: duckdb.DuckDBPyConnection, file: Path, day: str, *, first: bool) -> None:
    source_file = f"employees/{day}/delivery.csv"
    columns = sql.BRONZE.format(
        order="season, team_id, employee_id" if first else "employee_id, season, team_id",
        doubtful=sql.DOUBTFUL_FIRST if first else "WHEN spoiled = '' THEN ''",
    )
    for name, value in (("file", source_file), ("hash", hashlib.sha256(source_file.encode()).hexdigest())):
        columns = columns.replace(f"${name}", f"'{value}'")
    _write(db, columns, file)


def _write(db: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
    db.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet, COMPRESSION snappy)")


def _of_silver(day: str) -> str:
    return f"operation = 'D' AS is_deleted, DATE '{day}' AS _delivery_date"


def _expect(db: duckdb.DuckDBPyConnection, folder: Path, query: str) -> None:
    expected = fingerprint(db.execute(query).fetchall())
    (folder / "expected.json").write_text(json.dumps(expected))


def _pseudonyms(db: duckdb.DuckDBPyConnection, rows: str) -> None:
    """A table of the pseudonyms of the people in some typed rows."""
    people = db.sql(
        f"SELECT employee_id, any_value(ssn) AS ssn, any_value(email) AS email, any_value(phone) AS phone "
        f"FROM {rows} WHERE operation <> 'D' GROUP BY employee_id"
    ).to_arrow_table()
    made = {"employee_id": people["employee_id"]}
    for kind in ("ssn", "email", "phone"):
        made[kind] = pa.array([pseudonym(kind, value) for value in people[kind].to_pylist()])
    db.register("made", pa.table(made))
    db.execute("CREATE OR REPLACE TEMP TABLE pseudonyms AS SELECT * FROM made")
    db.unregister("made")


def pseudonym(kind: str, value: str | None) -> str | None:
    """What spark_jobs.privacy.pseudonyms makes of a value under the benchmark's key."""
    return (
        hmac.digest(KEY.encode(), f"{kind}:{value}".encode(), "sha256").hex() if value is not None else None
    )


def hash_of(text: str) -> int:
    """A seed for a scenario."""
    return SEED + int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
