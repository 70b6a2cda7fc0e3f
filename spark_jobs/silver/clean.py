"""Delivered text as typed values: trimmed, in one case, nulls written as text made null.

The columns are written as SQL, since building them one call at a time takes a second per batch.
"""

from pyspark.sql import DataFrame

from spark_jobs.contracts.contract import Column, Contract

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
    tidied = bronze.selectExpr(
        *(f"{tidy(column, contract.null_texts)} AS {column.name}" for column in contract.columns),
        *others,
    )
    is_delete = f"{contract.operation} <=> {text(contract.delete_operation)}"
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


def tidy(column: Column, null_texts: tuple[str, ...]) -> str:
    """SQL: text with white space and control characters made one space, in the contract's case.

    Null texts such as `N/A` become null, but not in names: there are people called Null.
    """
    value = f"trim(regexp_replace({column.name}, {_BLANKS}, ' '))"
    if column.case in ("upper", "lower"):
        value = f"{column.case}({value})"
    elif column.case == "digits":
        # An identifier with letters in it, or with the digits of another script, stays as it is, for a rule
        # to refuse.
        digits = f"regexp_replace({value}, '[^0-9]', '')"
        value = f"CASE WHEN {value} RLIKE {_NO_NUMBER} THEN {value} ELSE {digits} END"
    is_name = column.classification == "identity" and column.type == "string"
    nulls = ", ".join(text(null) for null in ("", *(() if is_name else null_texts)))
    return f"CASE WHEN lower({value}) NOT IN ({nulls}) THEN {value} END"


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


def text(value: str) -> str:
    """SQL: a string literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _first_time(name: str, formats: tuple[str, ...]) -> str:
    tries = (f"try_to_timestamp({name}, {text(pattern)})" for pattern in formats)
    return f"coalesce({', '.join(tries)})"
