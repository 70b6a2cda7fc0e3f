"""The contract's quality rules, evaluated once for each row, every failed one kept."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.contracts.contract import Contract, Rule
from spark_jobs.sql import literal

MALFORMED = "malformed_row"
INVALID = "invalid_utf8"


def judge(cleaned: DataFrame, contract: Contract) -> DataFrame:
    """Rows with `_reasons` (array of structs: code, column, severity, sentence) and `quality_warnings`.

    `_reasons` holds the failed rules of severity error, `quality_warnings` (array<string>) the names
    of the failed ones of severity warning; both are empty for a good row. A predicate that is NULL
    has failed.
    """
    failures = ", ".join(_failure(check, contract) for check in _checks(contract))
    kept = [name for name in cleaned.columns if name != "_unreadable"]
    return cleaned.selectExpr("*", f"array_compact(array({failures})) AS _failed").selectExpr(
        *kept,
        "filter(_failed, failure -> failure.severity = 'error') AS _reasons",
        "transform(filter(_failed, failure -> failure.severity = 'warning'), "
        "failure -> failure.code) AS quality_warnings",
    )


@dataclass(frozen=True)
class _Check:
    """A rule and the SQL that is true of a row that keeps it."""

    rule: Rule
    holds: str


def _checks(contract: Contract) -> Iterator[_Check]:
    for rule in contract.rules:
        yield _Check(rule, f"coalesce(({rule.predicate}), false)")
    for column in contract.columns:
        name = column.name
        unreadable = f"array_contains(_unreadable, '{name}')"
        if column.type != "string":
            sentence = f"The {name} cannot be read as {column.type}."
            rule = Rule(f"{name}_unreadable", name, "", "error", sentence)
            yield _Check(rule, f"NOT {unreadable}")
        if column.required:
            rule = Rule(f"{name}_missing", name, "", "error", f"The {name} is missing.")
            yield _Check(rule, f"({name} IS NOT NULL OR {unreadable})")


def _failure(check: _Check, contract: Contract) -> str:
    rule, excused = check.rule, []
    if rule.name != MALFORMED:
        # A line that could not be split has no values to judge.
        excused.append(f"_problem.code <=> '{MALFORMED}'")
    if rule.column and rule.column not in contract.control:
        excused.append(f"{contract.operation} <=> {literal(contract.delete_operation)}")
    sentence = literal(rule.sentence)
    if rule.name in (MALFORMED, INVALID):
        sentence = f"concat({sentence}, ' In detail: ', _problem.about, '.')"
    column = literal(rule.column) if rule.column else "CAST(NULL AS string)"
    if rule.name == INVALID:
        column = "_problem.column"
    return (
        f"CASE WHEN NOT ({' OR '.join([check.holds, *excused])}) THEN named_struct("
        f"'code', {literal(rule.name)}, 'column', {column}, "
        f"'severity', '{rule.severity}', 'sentence', {sentence}) END"
    )


def reason(code: str, column: str, sentence: str) -> Column:
    """A reason for refusing a row, as it stands in the quarantine."""
    return F.expr(
        f"named_struct('code', '{code}', 'column', '{column}', 'severity', 'error', "
        f"'sentence', {literal(sentence)})"
    )
