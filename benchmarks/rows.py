"""SQL of the generator (DuckDB): the sample feed's rows blown up, deliveries of them, and what they say.

A typed row has the delivered columns with their types, and besides `h` (what its choices depend on),
`kind` (what it is in its delivery), `spoiled` (the defect in its text, if any) and `counts` (whether Silver takes it,
unless its person turns out to be two).
"""

KEY = ("employee_id", "season", "team_id")
HEADER = (
    *("employee_id", "season", "team_id", "league", "first_name", "last_name", "birth_date", "birth_city"),
    *("birth_state", "birth_country", "role", "position", "bats", "throws", "games", "salary", "debut"),
    *("ssn", "email", "phone", "updated_at", "operation"),
)
#: Rows that change a salary; all but the first of these kinds bring a defect along.
_CHANGES = (
    *("update", "exact_duplicate", "two_versions_of_a_key", "same_sequence_conflict", "two_people_one_id"),
    *("quoted_line_break", "untidy_values"),
)
#: A row that never was, with one value spoiled: it is refused, and nothing else happens.
_GHOSTS = (
    *("missing_key", "unparsable_salary", "unparsable_date", "negative_salary", "unknown_team"),
    *("season_outside_data", "not_utf8", "truncated_last_line"),
)
_STRANGERS = ("two_people_one_id", "two_people_across_deliveries")
_REASONS = {
    "missing_key": "employee_id_missing",
    "unparsable_salary": "salary_unreadable",
    "unparsable_date": "debut_unreadable",
    "negative_salary": "salary_negative",
    "unknown_team": "team_unknown",
    "season_outside_data": "season_outside_data",
    "not_utf8": "invalid_utf8",
    "truncated_last_line": "malformed_row",
    "same_sequence_conflict": "sequence_conflict",
    "two_people_one_id": "identity_conflict",
}

#: From `truth` (the feed's records as text, `place` from 0 to `records` - 1): as many rows as are wanted.
BASE = """
CREATE OR REPLACE TABLE base AS
WITH copies AS (
  SELECT t.*, c.copy, hash(t.employee_id, c.copy, $seed) AS person,
    hash(t.employee_id, t.season, t.team_id, c.copy, $seed) AS h
  FROM truth t CROSS JOIN range(CAST(ceil($rows / $records::DOUBLE) AS BIGINT)) AS c(copy)
  WHERE c.copy * $records + t.place < $rows)
SELECT employee_id || CASE WHEN copy > 0 THEN '.' || copy ELSE '' END AS employee_id,
  season::INT AS season, team_id, league, first_name, last_name,
  try_cast(birth_date AS DATE) + (person % 29)::INT - 14 AS birth_date,
  nullif(birth_city, '') AS birth_city, nullif(birth_state, '') AS birth_state,
  nullif(birth_country, '') AS birth_country, role, nullif(position, '') AS position,
  nullif(bats, '') AS bats, nullif(throws, '') AS throws, try_cast(games AS INT) AS games,
  CAST(round(try_cast(salary AS BIGINT) * (0.9 + (h % 2001) / 10000.0) / 500) * 500 AS DECIMAL(14, 2)) AS salary,
  try_cast(debut AS DATE) AS debut, CAST(900000000 + person % 99999999 AS VARCHAR) AS ssn,
  employee_id || '.' || copy || '@example.org' AS email,
  CAST(2005550000 + person % 7990000 * 1000 % 7999999999 AS VARCHAR) AS phone,
  CAST(replace(updated_at, 'Z', '') AS TIMESTAMP) + to_seconds((h % 40000)::BIGINT) AS updated_at,
  'U' AS operation, h
FROM copies ORDER BY season, team_id, employee_id
"""

#: The rows that a delivery is about: `picked`, with the kind of each by the shares of the feed.
PICKED = """
CREATE OR REPLACE TEMP TABLE picked AS
WITH chosen AS (
  SELECT * REPLACE (hash(h, $seed) AS h) FROM base WHERE season >= $from_season ORDER BY h LIMIT $rows)
SELECT *, {kind} AS kind FROM chosen
"""


def kind_of(shares: dict[str, float]) -> str:
    """SQL: the kind of a row, by a number between 0 and 1 that depends on `h`."""
    cases, so_far = [], 0.0
    for kind, share in shares.items():
        so_far += share
        cases.append(f"WHEN (hash(h, 'kind') % 1000003) / 1000003.0 < {so_far:.9f} THEN '{kind}'")
    last = next(reversed(shares))
    return f"CASE {' '.join(cases)} ELSE '{last}' END"


_OTHER_TEAM = """
SELECT p.* REPLACE (other.team_id AS team_id, other.league AS league)
FROM picked p JOIN teams t USING (season, team_id)
JOIN teams other ON other.season = p.season AND other.place = (t.place + 1 + p.h % (t.many - 1)::UBIGINT) % t.many
"""
#: The teams of each season, numbered: of which somebody else's team is chosen.
TEAMS = """
CREATE OR REPLACE TABLE teams AS
SELECT season, team_id, league, row_number() OVER s - 1 AS place, count(*) OVER (PARTITION BY season) AS many
FROM (SELECT season, team_id, max(league) AS league FROM base GROUP BY ALL) WINDOW s AS (PARTITION BY season ORDER BY team_id)
"""


def said(*, first: bool) -> str:
    """SQL of the table `said`: all typed rows of a delivery; of the first one with all true rows."""
    return f"CREATE OR REPLACE TEMP TABLE said AS {' UNION ALL BY NAME '.join(_parts(first))}"


def _parts(first: bool) -> list[str]:
    if first:
        # The truth stands whole: contradictions are about people who are in no other row.
        changed = (
            "SELECT *, CASE WHEN kind IN ('quoted_line_break', 'untidy_values') THEN kind END AS spoiled, "
            "true AS counts FROM picked"
        )
        doubtful = "SELECT * REPLACE (employee_id || 'd' AS employee_id) FROM picked"
    else:
        later = "coalesce(salary, 500000) + 25000 AS salary, updated_at + INTERVAL 119 DAY AS updated_at"
        doubtful = f"SELECT * REPLACE ({later}) FROM picked"
        changed = f"SELECT *, kind AS spoiled, kind <> 'same_sequence_conflict' AS counts FROM ({doubtful}) WHERE kind IN {_CHANGES}"
    other_salary = (
        "SELECT * REPLACE (coalesce(salary, 500000) + 75000 AS salary), kind AS spoiled, false AS counts"
    )
    parts = [
        changed,
        f"SELECT * REPLACE (false AS counts) FROM ({changed}) WHERE kind = 'exact_duplicate'",
        f"SELECT * REPLACE (coalesce(salary, 500000) + 75000 AS salary, updated_at - INTERVAL 1 DAY AS updated_at, false AS counts) "
        f"FROM ({changed}) WHERE kind = 'two_versions_of_a_key'",
        f"{other_salary} FROM ({doubtful}) WHERE kind = 'same_sequence_conflict'",
        *(_ghost(kind) for kind in _GHOSTS),
        _strangers(doubtful),
    ]
    if first:
        pair = "kind IN ('same_sequence_conflict', 'two_people_one_id')"
        return [*parts, f"SELECT *, kind AS spoiled, false AS counts FROM ({doubtful}) WHERE {pair}"]
    inserts = f"{_OTHER_TEAM} WHERE p.kind = 'insert'"
    return [
        *parts,
        "SELECT * REPLACE (updated_at + INTERVAL 178 DAY AS updated_at), kind AS spoiled, false AS counts "
        "FROM picked WHERE kind = 'repeat'",
        f"{other_salary} FROM (SELECT * REPLACE (updated_at - INTERVAL 1 DAY AS updated_at) FROM picked) "
        "WHERE kind = 'late'",
        f"SELECT *, kind AS spoiled, true AS counts FROM ({inserts}) new ANTI JOIN base USING (employee_id, season, team_id) "
        "QUALIFY row_number() OVER (PARTITION BY employee_id, season, team_id ORDER BY h) = 1",
        "SELECT * REPLACE (employee_id || 'n' AS employee_id, CAST(900000000 + h % 99999999 AS VARCHAR) AS ssn, "
        "'n' || email AS email), kind AS spoiled, true AS counts FROM picked WHERE kind = 'newcomer' "
        "QUALIFY row_number() OVER (PARTITION BY employee_id ORDER BY h) = 1",
        "SELECT employee_id, season, team_id, updated_at + INTERVAL 181 DAY AS updated_at, 'D' AS operation, h, kind, "
        "kind AS spoiled, true AS counts FROM picked WHERE kind = 'delete'",
    ]


def _ghost(kind: str) -> str:
    return f"SELECT *, kind AS spoiled, false AS counts FROM ({_OTHER_TEAM} WHERE p.kind = '{kind}')"


def _strangers(doubtful: str) -> str:
    """Somebody else under an employee_id, at another team."""
    others = f"({_OTHER_TEAM} WHERE p.kind IN {_STRANGERS})".replace("picked p", f"({doubtful}) p")
    return (
        "SELECT * REPLACE ('Alex' AS first_name, 'Example' AS last_name, "
        "coalesce(birth_date, DATE '1970-01-01') - 400 AS birth_date, '9' || lpad(CAST(h % 99999989 AS VARCHAR), 8, '1') AS ssn, "
        f"'stranger' AS kind), 'stranger' AS spoiled, false AS counts FROM {others}"
    )


#: The rows that Silver takes: those that count, of people who are not two in this delivery.
EFFECTS = """
CREATE OR REPLACE TEMP TABLE effects AS
SELECT * FROM said WHERE counts AND (operation = 'D' OR employee_id NOT IN (
  SELECT employee_id FROM said WHERE kind = 'stranger'))
"""

_TEXTS = {
    "employee_id": "CASE WHEN spoiled = 'missing_key' THEN '' ELSE employee_id END",
    "season": "CASE WHEN spoiled = 'season_outside_data' THEN '1884' ELSE CAST(season AS VARCHAR) END",
    "team_id": "CASE spoiled WHEN 'unknown_team' THEN 'ZZZ' WHEN 'untidy_values' THEN ' ' || lower(team_id) || ' ' ELSE team_id END",
    "league": "CASE WHEN spoiled = 'untidy_values' THEN lower(league) || '  ' ELSE league END",
    "birth_date": "CASE WHEN spoiled = 'untidy_values' THEN strftime(birth_date, '%m/%d/%Y') ELSE CAST(birth_date AS VARCHAR) END",
    "birth_city": "CASE WHEN spoiled = 'quoted_line_break' THEN replace(birth_city, ' ', chr(10)) ELSE birth_city END",
    "salary": (
        "CASE WHEN spoiled = 'unparsable_salary' THEN '12,5oo k' WHEN spoiled = 'negative_salary' THEN '-500000' "
        "WHEN spoiled = 'untidy_values' AND salary IS NULL THEN 'N/A' ELSE CAST(CAST(salary AS BIGINT) AS VARCHAR) END"
    ),
    "debut": "CASE WHEN spoiled = 'unparsable_date' THEN '2014-13-45' ELSE CAST(debut AS VARCHAR) END",
    "ssn": "ssn[1:3] || '-' || ssn[4:5] || '-' || ssn[6:9]",
    "email": "CASE WHEN spoiled = 'untidy_values' THEN upper(email) ELSE email END",
    "phone": "phone[1:3] || '-' || phone[4:6] || '-' || phone[7:10]",
    "updated_at": "strftime(updated_at, '%Y-%m-%dT%H:%M:%SZ')",
}

#: The delivery as Bronze holds it; `_refused` is the reason's code where a rule or a contradiction refuses the row.
BRONZE = f"""
SELECT {", ".join(f"coalesce({_TEXTS.get(name, f'CAST({name} AS VARCHAR)')}, '') AS {name}" for name in HEADER)},
  CASE spoiled WHEN 'not_utf8' THEN {{{{'code': 'invalid_utf8', 'column': 'last_name', 'about': 'byte 241'}}}}
    WHEN 'truncated_last_line' THEN {{{{'code': 'malformed_row', 'column': NULL, 'about': 'the line breaks off'}}}}
    END AS _problem,
  sha256($file || chr(10) || $hash || chr(10) || CAST(row_number() OVER () AS VARCHAR)) AS _row_id,
  $file AS _source_file, $hash AS _file_sha256, 1 AS _generation, row_number() OVER () AS _row_number,
  CASE {{doubtful}} {" ".join(f"WHEN spoiled = '{kind}' THEN '{code}'" for kind, code in _REASONS.items() if kind in _GHOSTS)}
    END AS _refused
FROM (SELECT * FROM said ORDER BY {{order}})
"""
#: Reasons of the first delivery's contradictions, whose people have no other row.
DOUBTFUL_FIRST = (
    "WHEN employee_id LIKE '%d' AND kind = 'same_sequence_conflict' AND NOT counts THEN 'sequence_conflict' "
    "WHEN employee_id LIKE '%d' AND kind IN ('two_people_one_id', 'stranger') AND NOT counts THEN 'identity_conflict'"
)


def typed_as_staged(rows: str, pseudonyms: str) -> str:
    """SQL: typed rows with pseudonyms in place of direct identifiers, and the derived columns."""
    # With its zone, or Spark would read another type.
    made = {"updated_at": "r.updated_at AT TIME ZONE 'UTC' AS updated_at"}
    taken = ", ".join(
        made.get(name, f"r.{name}") for name in HEADER if name not in ("ssn", "email", "phone")
    )
    return f"""
SELECT {taken}, p.ssn, p.email, p.phone,
  CAST(r.season - year(r.birth_date)
    - CASE WHEN month(r.birth_date) * 100 + day(r.birth_date) > 701 THEN 1 ELSE 0 END AS INT) AS age_on_july_1,
  list_filter([CASE WHEN r.birth_date IS NULL AND r.operation <> 'D' THEN 'birth_date_missing' END,
    CASE WHEN r.salary = 0 THEN 'salary_zero' END], lambda x: x IS NOT NULL) AS quality_warnings
FROM {rows} r LEFT JOIN {pseudonyms} p ON p.employee_id = r.employee_id AND r.operation <> 'D'
"""
