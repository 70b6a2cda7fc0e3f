"""The one oracle: a fingerprint of Silver by season, in words that DuckDB and Spark understand alike.

What Silver must be is known from how the deliveries were made (rows.py), from no contender's code.
"""

#: Silver's columns, in its order.
SILVER = (
    *("employee_id", "season", "team_id", "league", "birth_city", "birth_state", "birth_country", "role"),
    *("position", "bats", "throws", "games", "salary", "debut", "ssn", "email", "phone", "age_on_july_1"),
    *("quality_warnings", "updated_at", "operation", "is_deleted", "_delivery_date"),
)
Fingerprint = dict[int, tuple[int, int]]
"""Season to (rows, sum of the rows' hashes)."""


def fingerprint_sql(rows: str, *, spark: bool) -> str:
    """SQL: season, rows, and the sum of 60 bits of each row's MD5."""
    return f"SELECT season, count(*) AS n, sum({row_hash(spark=spark)}) AS h FROM {rows} GROUP BY season"


def row_hash(*, spark: bool) -> str:
    """SQL: a row's hash as a number, of all columns as text."""
    texts = {
        "quality_warnings": "array_join(quality_warnings, ',')"
        if spark
        else "coalesce(array_to_string(quality_warnings, ','), '')",
        "updated_at": "unix_micros(updated_at)" if spark else "epoch_us(updated_at)",
        "salary": "CAST(salary AS DECIMAL(14, 2))",
    }
    columns = ", ".join(f"coalesce(CAST({texts.get(name, name)} AS STRING), '~')" for name in SILVER)
    digits = f"substr(md5(concat_ws('|', {columns})), 1, 15)"
    return (
        f"CAST(conv({digits}, 16, 10) AS DECIMAL(38, 0))"
        if spark
        else f"CAST(('0x' || {digits})::UBIGINT AS BIGINT)"
    )


def fingerprint(rows: list[tuple]) -> Fingerprint:
    """Rows of the query as a fingerprint."""
    return {int(season): (int(n), int(total)) for season, n, total in rows}


def differences(expected: Fingerprint, found: Fingerprint) -> list[str]:
    """A sentence for each season that is not as it must be."""
    wrong = []
    for season in sorted(expected.keys() | found.keys()):
        want, have = expected.get(season, (0, 0)), found.get(season, (0, 0))
        if want != have:
            wrong.append(f"season {season}: {have[0]} rows in place of {want[0]}, or other values")
    return wrong
