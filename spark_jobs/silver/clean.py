"""Delivered text as typed values: trimmed, in one case, nulls written as text made null.

The columns are written as SQL, since building them one call at a time takes a second per batch.
"""

from pyspark.sql import DataFrame

from spark_jobs.contracts.contract import Column, Contract
from spark_jobs.sql import literal

#: White space, control characters, and the invisible ones that spreadsheets leave behind.
_BLANKS = r"r'[\s\p{Cntrl}\u00a0\u200b\ufeff]+'"
#: A letter, or a digit of another script.
_NO_NUMBER = r"r'[\p{L}\p{N}&&[^0-9]]'"
_INTEGER = "'^[-+]?[0-9]{1,18}$'"
#: Dollars and cents, thousands grouped by commas or not; never an exponent or a third decimal.
_MONEY = "'^[-+]?[$]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)([.][0-9]{1,2})?$'"


def clean(bronze: DataFrame, contract: Contract) -> DataFrame:
    """Bronze rows with the contract's columns typed.

    Adds `_unreadable` (array<string>: columns whose text could not be read as their type; their
    value is null) and the contract's derived columns. Of a delete only the control columns count:
    all others become null. Every other column passes through.
    """
    others = [name for name in bronze.columns if name not in contract.names]
    tidied = tidy(bronze, contract.columns, contract.null_texts)
    is_delete = f"{contract.operation} <=> {literal(contract.delete_operation)}"
    counted = tidied.selectExpr(
        *(
            name if name in contract.control else f"CASE WHEN NOT ({is_delete}) THEN {name} END AS {name}"
            for name in contract.names
        ),
        *others,
    )
    typed = {column.name: typed_value(column, contract) for column in contract.columns}
    unreadable = [
        f"CASE WHEN {name} IS NOT NULL AND {value} IS NULL THEN '{name}' END"
        for name, value in typed.items()
        if contract.type_of(name) != "string"
    ]
    cleaned = counted.selectExpr(
        *(f"{value} AS {name}" for name, value in typed.items()),
        *others,
        f"array_compact(array({', '.join(unreadable)})) AS _unreadable",
    )
    derived = [f"CAST({c.expression} AS {c.type}) AS {c.name}" for c in contract.derived]
    return cleaned.selectExpr("*", *derived)


def tidy(rows: DataFrame, columns: tuple[Column, ...], null_texts: tuple[str, ...]) -> DataFrame:
    """Rows with the texts of some columns tidied; every other column passes through."""
    others = [name for name in rows.columns if name not in {column.name for column in columns}]
    # One step a select: what an expression names twice is worked out twice.
    for step in (_in_one_case, _digits, lambda column: _not_null_text(column, null_texts)):
        rows = rows.selectExpr(*(f"{step(column)} AS {column.name}" for column in columns), *others)
    return rows


def _in_one_case(column: Column) -> str:
    """SQL: text with white space and control characters made one space, in the contract's case."""
    value = f"trim(regexp_replace({column.name}, {_BLANKS}, ' '))"
    return f"{column.case}({value})" if column.case in ("upper", "lower") else value


def _digits(column: Column) -> str:
    """SQL: of a tidied identifier the digits alone.

    One with letters in it, or with the digits of another script, stays as it is, for a rule to refuse.
    """
    name = column.name
    if column.case != "digits":
        return name
    return f"CASE WHEN {name} RLIKE {_NO_NUMBER} THEN {name} ELSE regexp_replace({name}, '[^0-9]', '') END"


def _not_null_text(column: Column, null_texts: tuple[str, ...]) -> str:
    """SQL: null in place of null texts such as `N/A`, but not in names: there are people called Null."""
    is_name = column.classification == "identity" and column.type == "string"
    nulls = ", ".join(literal(null) for null in ("", *(() if is_name else null_texts)))
    return f"CASE WHEN lower({column.name}) NOT IN ({nulls}) THEN {column.name} END"


def typed_value(column: Column, contract: Contract) -> str:
    """SQL: a tidied text as the column's type; null where it cannot be read as one."""
    name, kind = column.name, column.type.split("(")[0]
    if kind == "string":
        return name
    if kind in ("int", "bigint"):
        return f"CASE WHEN {name} RLIKE {_INTEGER} THEN try_cast({name} AS {column.type}) END"
    if kind == "decimal":
        plain = f"regexp_replace({name}, '[$,]', '')"
        return f"CASE WHEN {name} RLIKE {_MONEY} THEN try_cast({plain} AS {column.type}) END"
    if kind == "date":
        return f"CAST({_first_time(name, contract.date_formats)} AS date)"
    if kind == "timestamp":
        return _first_time(name, contract.timestamp_formats)
    return f"try_cast({name} AS {column.type})"


def _first_time(name: str, formats: tuple[str, ...]) -> str:
    tries = (f"try_to_timestamp({name}, {literal(pattern)})" for pattern in formats)
    return f"coalesce({', '.join(tries)})"
