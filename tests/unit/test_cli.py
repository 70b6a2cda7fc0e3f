"""Misuse of the command line: one sentence, the right exit code, no stack trace."""

import datetime as dt
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from spark_jobs.cli import main
from spark_jobs.cli.options import tell
from spark_jobs.ledger import Run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["etl"], "Missing option '--date'"),
        (["etl", "--date", "2023-13-01"], "write it as YYYY-MM-DD"),
        (["run"], "either --date, or --from and --to"),
        (["run", "--from", "2023-10-02", "--to", "2023-10-01"], "is after --to"),
        (["run", "--date", "2023-10-01", "--to", "2023-10-01"], "either --date"),
        (["erase", "somebody01"], "and a --reason"),
        (["erase", "--reason", "a letter"], "Give one EMPLOYEE_ID"),
        (["erase", "--from-file", "ids"], "and a --reason"),
        (["erase", "somebody01", "--again"], "--again takes neither"),
        (["erase", "--from-file", "ids", "--again"], "--again takes neither"),
        (["load", "--date", "2023-10-01", "--accept-unusual", "2023-10-01"], "and a --reason"),
        (["run", "--date", "2023-10-01", "--reason", "a letter"], "--accept-unusual and a --reason"),
        (
            ["load", "--date", "2023-10-01", "--accept-unusual", "2023-10-02", "--reason", "x"],
            "is of another delivery",
        ),
        (["etl", "--date", "2023-10-01", "--contract", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["etl", "--date", "2023-10-01", "--quarantine-limit", "7"], "MLB_QUARANTINE_LIMIT"),
    ],
)
def test_wrong_usage_is_exit_2_and_a_sentence(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_contract_with_an_error_names_it(tmp_path: Path) -> None:
    contract = tmp_path / "broken.yaml"
    contract.write_text("apiVersion: v3.1.0\nkind: DataContract\n")
    result = CliRunner().invoke(main, ["etl", "--date", "2023-10-01", "--contract", str(contract)])
    assert result.exit_code == 2
    assert "is not valid" in result.output


def test_help_teaches() -> None:
    said = CliRunner().invoke(main, ["--help"]).output
    assert "Exit codes" in said and "sample-feed" in said


@pytest.mark.parametrize(("date", "said"), [(dt.date(2023, 10, 1), "2023-10-01"), (None, "whole lake")])
def test_a_run_is_told_on_one_line(
    date: dt.date | None, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run("load", "employees", "1.0.0", date, dt.datetime.now(dt.UTC), rows={"rows_in": 1200})
    run.finish(0)
    with caplog.at_level(logging.INFO, "spark_jobs"):
        tell(run)
    assert caplog.messages[0].startswith(f"{said}  load ") and "ok  rows_in 1,200" in caplog.messages[0]
