"""Whatever ends a command before its run has begun is told: exit code, sentence, termination message."""

import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from spark_jobs import cli
from spark_jobs.cli import options

ETL = ["etl", "--date", "2023-10-01"]


@pytest.fixture
def message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the termination message, as the chart names it."""
    file = tmp_path / "termination-log"
    monkeypatch.setenv("MLB_TERMINATION_LOG", str(file))
    monkeypatch.setenv("MLB_SPARK_LOG", str(tmp_path / "spark.log"))
    return file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, arguments)


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (ETL, {"MLB_CONTRACT": "nowhere.yaml"}, "nowhere.yaml cannot be read"),
        (ETL, {"MLB_QUARANTINE_LIMIT": "7"}, "MLB_QUARANTINE_LIMIT"),
        (ETL, {"MLB_LOG_FORMAT": "xml"}, "MLB_LOG_FORMAT"),
        (ETL, {"MLB_MASTER": "k8s://https://here"}, "MLB_EXECUTOR_IMAGE"),
        (["etl"], {}, "Missing option '--date'"),
    ],
)
def test_wrong_usage_is_told(
    message: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: dict, said: str
) -> None:
    monkeypatch.setenv("MLB_RUN_ID", "try-1")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run(*arguments).exit_code == 2
    told = json.loads(message.read_text())
    assert said in told["error"]
    assert (told["job"], told["outcome"], told["exit_code"]) == ("etl", "failed", 2)
    if arguments == ETL and "MLB_LOG_FORMAT" not in environment:
        assert (told["delivery_date"], told["run_id"]) == ("2023-10-01", "try-1")


def test_an_unexpected_exception_is_one_sentence_and_its_story_is_in_the_log(
    message: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(file: Path) -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(options, "read_contract", broken)
    result = run(*ETL)
    assert result.exit_code == 1 and "Traceback" not in result.output
    assert "error: RuntimeError: first line." in result.output
    assert json.loads(message.read_text())["error"] == "RuntimeError: first line."
    assert "second line" in (message.parent / "spark.log").read_text()


def test_sigterm_before_any_run_ends_the_command_at_once(
    message: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "read_contract", lambda file: os.kill(os.getpid(), signal.SIGTERM))
    result = run(*ETL)
    assert result.exit_code == 143
    told = json.loads(message.read_text())
    assert (told["outcome"], told["exit_code"]) == ("stopped", 143) and "SIGTERM" in told["error"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_as_json_every_line_of_the_log_is_an_object(message: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLB_LOG_FORMAT", "json")
    monkeypatch.setenv("MLB_CONTRACT", "nowhere.yaml")
    lines = [json.loads(line) for line in run(*ETL).stderr.splitlines()]
    assert [line["level"] for line in lines] == ["ERROR"]
    fields = {"time", "level", "logger", "message", "run_id", "job", "delivery_date"}
    assert lines[0].keys() == fields and "nowhere.yaml" in lines[0]["message"]
