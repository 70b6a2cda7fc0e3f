"""The batch without Spark: cleaned and judged in DuckDB as the contract says, pseudonymised in Python."""

import hmac
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.agreed import KEY, delivery_day
from benchmarks.oracle import SILVER

KEY_COLUMNS = ("employee_id", "season", "team_id")
CONTENT = tuple(name for name in SILVER if name not in (*KEY_COLUMNS, "updated_at", "_delivery_date"))
_UPPER = ("team_id", "league", "position", "bats", "throws", "operation")
_LOWER = ("employee_id", "role", "email")
_DIGITS = ("ssn", "phone")
_TEXTS = (
    *("employee_id", "season", "team_id", "league", "first_name", "last_name", "birth_date", "birth_city"),
    *("birth_state", "birth_country", "role", "position", "bats", "throws", "games", "salary", "debut"),
    *("ssn", "email", "phone", "updated_at", "operation"),
)
_TEAMS = (
    *(
        "ANA",
        "ARI",
        "ATL",
        "BAL",
        "BOS",
        "CAL",
        "CHA",
        "CHN",
        "CIN",
        "CLE",
        "COL",
        "DET",
        "FLO",
        "HOU",
        "KCA",
    ),
    *(
        "LAA",
        "LAN",
        "MIA",
        "MIL",
        "MIN",
        "ML4",
        "MON",
        "NYA",
        "NYN",
        "OAK",
        "PHI",
        "PIT",
        "SDN",
        "SEA",
        "SFN",
    ),
    *("SLN", "TBA", "TEX", "TOR", "WAS"),
)
_POSITIONS = ("P", "C", "1B", "2B", "3B", "SS", "LF", "CF", "RF", "DH", "PH", "MGR")


_BLANKS = r"'[\s\x00-\x1f\x7f\x{00a0}\x{200b}\x{feff}]+'"


def _tidy(name: str) -> str:
    value = f"trim(regexp_replace({name}, {_BLANKS}, ' ', 'g'))"
    if name in _UPPER:
        value = f"upper({value})"
    elif name in _LOWER:
        value = f"lower({value})"
    elif name in _DIGITS:
        value = f"CASE WHEN regexp_matches({value}, '[A-Za-z]') THEN {value} ELSE regexp_replace({value}, '[^0-9]', '', 'g') END"
    nulls = (
        "('')"
        if name in ("first_name", "last_name")
        else r"('', 'null', 'none', 'n/a', 'na', 'nan', '-', '\n')"
    )
    return f"CASE WHEN lower({value}) NOT IN {nulls} THEN {value} END AS {name}"


def _date(name: str) -> str:
    tries = ", ".join(f"try_strptime({name}, '{form}')" for form in ("%Y-%m-%d", "%m/%d/%Y", "%Y%m%d"))
    return f"CAST(coalesce({tries}) AS DATE)"


_MONEY = "^[-+]?[$]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)([.][0-9]{1,2})?$"
_TYPED = f"""
SELECT employee_id, try_cast(season AS INT) AS season, team_id, league, first_name, last_name, role, position, bats, throws,
  birth_city, birth_state, birth_country, ssn, email, phone, operation, _problem,
  {_date("birth_date")} AS birth_date, {_date("debut")} AS debut, try_cast(games AS INT) AS games,
  CASE WHEN regexp_matches(salary, '{_MONEY}') THEN
    try_cast(regexp_replace(salary, '[$,]', '', 'g') AS DECIMAL(14, 2)) END AS salary,
  try_strptime(updated_at, '%Y-%m-%dT%H:%M:%SZ') AS updated_at,
  salary AS salary_text, games AS games_text, birth_date AS birth_text, debut AS debut_text
FROM tidy
"""
_GOOD = f"""
SELECT * FROM typed WHERE _problem IS NULL AND employee_id IS NOT NULL AND regexp_full_match(employee_id, '[a-z0-9_.''-]{{1,32}}')
  AND season BETWEEN 1985 AND 2016 AND team_id IN {_TEAMS} AND updated_at IS NOT NULL AND operation IN ('U', 'D')
  AND (operation = 'D' OR (
    league IN ('AL', 'NL') AND last_name IS NOT NULL AND role IN ('player', 'manager')
    AND (position IS NULL OR position IN {_POSITIONS})
    AND (games_text IS NULL OR games >= 0) AND (salary_text IS NULL OR salary >= 0)
    AND (debut_text IS NULL OR debut IS NOT NULL)
    AND (birth_text IS NULL OR year(birth_date) BETWEEN season - 100 AND season - 14)
    AND (ssn IS NULL OR regexp_full_match(ssn, '[0-9]{{9}}')) AND (phone IS NULL OR regexp_full_match(phone, '[0-9]{{7,15}}'))
    AND (email IS NULL OR regexp_full_match(email, '[^@ ]+@[^@ ]+[.][^@ ]+'))))
"""
_SOUND = """
WITH good AS (SELECT DISTINCT * FROM good_rows),
doubtful AS (SELECT *, count(*) OVER (PARTITION BY employee_id, season, team_id, updated_at) > 1 AS at_once,
    operation <> 'D' AND coalesce(min(CASE WHEN operation <> 'D' THEN ssn END) OVER p <> max(CASE WHEN operation <> 'D' THEN ssn END) OVER p
      OR min(CASE WHEN operation <> 'D' THEN birth_date END) OVER p <> max(CASE WHEN operation <> 'D' THEN birth_date END) OVER p, false) AS two
  FROM good WINDOW p AS (PARTITION BY employee_id))
SELECT * FROM doubtful WHERE NOT at_once AND NOT two
QUALIFY row_number() OVER (PARTITION BY employee_id, season, team_id ORDER BY updated_at DESC) = 1
"""
_CONTROL = ("employee_id", "season", "team_id", "updated_at", "operation")


def _of_silver(name: str, day: str) -> str:
    made = {
        "age_on_july_1": "CAST(season - year(birth_date) - CASE WHEN month(birth_date) * 100 + day(birth_date) > 701 THEN 1 ELSE 0 END AS INT)",
        "quality_warnings": (
            "list_filter([CASE WHEN birth_date IS NULL THEN 'birth_date_missing' END, "
            "CASE WHEN salary = 0 THEN 'salary_zero' END], lambda x: x IS NOT NULL)"
        ),
        "is_deleted": "operation = 'D'",
        "_delivery_date": f"DATE '{day}'",
    }
    value = made.get(name, name)
    if name in (*_CONTROL, "is_deleted", "_delivery_date"):
        return f"{value} AS {name}"
    nothing = "CAST([] AS VARCHAR[])" if name == "quality_warnings" else "NULL"
    return f"CASE WHEN operation = 'D' THEN {nothing} ELSE {value} END AS {name}"


def connect() -> duckdb.DuckDBPyConnection:
    """DuckDB on the machine's two cores."""
    db = duckdb.connect()
    db.execute("SET threads = 2; SET TimeZone = 'UTC'")
    return db


def prepare(db: duckdb.DuckDBPyConnection, bronze: Path) -> None:
    """A table `batch`: the delivery's good rows, the newest of each key, with Silver's columns."""
    tidied = ", ".join(map(_tidy, _TEXTS))
    db.execute(f"CREATE OR REPLACE TEMP VIEW tidy AS SELECT {tidied}, _problem FROM '{bronze}/*.parquet'")
    db.execute(f"CREATE OR REPLACE TEMP VIEW typed AS {_TYPED}")
    db.execute(f"CREATE OR REPLACE TEMP TABLE good_rows AS {_GOOD}")
    columns = ", ".join(_of_silver(name, delivery_day(bronze)) for name in SILVER)
    db.execute(f"CREATE OR REPLACE TEMP TABLE sound AS SELECT {columns} FROM ({_SOUND})")
    direct = db.sql("SELECT employee_id, season, team_id, ssn, email, phone FROM sound").to_arrow_table()
    made = {name: direct[name] for name in KEY_COLUMNS}
    for name in ("ssn", "email", "phone"):
        made[name] = pa.array([_pseudonym(name, value) for value in direct[name].to_pylist()], pa.string())
    db.register("made", pa.table(made))
    replaced = ", ".join(f"m.{n} AS {n}" if n in ("ssn", "email", "phone") else f"s.{n}" for n in SILVER)
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE batch AS SELECT {replaced} FROM sound s JOIN made m USING (employee_id, season, team_id)"
    )
    db.unregister("made")


def drop_strangers(db: duckdb.DuckDBPyConnection, silver: str) -> None:
    """Take rows of people whom Silver knows with another SSN out of the batch."""
    db.execute(
        "DELETE FROM batch WHERE operation <> 'D' AND employee_id IN (SELECT b.employee_id FROM batch b JOIN "
        f"(SELECT employee_id, ssn FROM {silver} WHERE ssn IS NOT NULL) s ON b.employee_id = s.employee_id "
        "AND b.ssn <> s.ssn AND b.operation <> 'D')"
    )


def seasons(db: duckdb.DuckDBPyConnection) -> list[int]:
    """The seasons that the batch is about."""
    return [row[0] for row in db.execute("SELECT DISTINCT season FROM batch ORDER BY season").fetchall()]


def differs(new: str, old: str) -> str:
    """SQL: two rows say different things."""
    return " OR ".join(f"{new}.{name} IS DISTINCT FROM {old}.{name}" for name in CONTENT)


def _pseudonym(kind: str, value: str | None) -> str | None:
    return (
        hmac.digest(KEY.encode(), f"{kind}:{value}".encode(), "sha256").hex() if value is not None else None
    )
