"""tools/audit.py: what it makes of what pip-audit and apt say, and of the exceptions."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from tools.audit import (
    EXCEPTIONS,
    Accepted,
    Finding,
    NotAsked,
    debian_findings,
    exceptions,
    judged,
    python_findings,
)

TODAY = dt.date(2026, 11, 26)
#: As pip-audit 2.10.1 prints it.
REPORT = {
    "dependencies": [
        {"name": "rich", "version": "13.0.0", "vulns": []},
        {
            "name": "requests",
            "version": "2.0.0",
            "vulns": [
                {
                    "id": "CVE-2099-0001",
                    "fix_versions": ["2.1"],
                    "aliases": ["GHSA-x"],
                    "description": "why",
                }
            ],
        },
    ],
    "fixes": [],
}
FINDING = Finding("runtime.lock", "requests", "2.0.0", ("CVE-2099-0001", "GHSA-x"), "mended in 2.1")
TOLD = "runtime.lock: requests 2.0.0: CVE-2099-0001, GHSA-x; mended in 2.1"


def accepted(name: str = "CVE-2099-0001", package: str = "requests", until: dt.date = TODAY) -> Accepted:
    return Accepted(name, package, "no call of it is reached", until)


def test_a_vulnerability_is_told_with_its_remedy() -> None:
    assert python_findings("runtime.lock", REPORT) == [FINDING]
    assert judged([FINDING], [], TODAY) == [TOLD]


def test_packages_that_nobody_was_asked_about_are_no_success() -> None:
    """pip-audit ends with 0 and "No known vulnerabilities found" where an index knows no package at all."""
    skipped = {"dependencies": [{"name": "rich", "skip_reason": "not found"}], "fixes": []}
    with pytest.raises(NotAsked, match="does not know 1 packages, rich the first"):
        python_findings("runtime.lock", skipped)


@pytest.mark.parametrize("name", ["CVE-2099-0001", "GHSA-x"])
def test_an_exception_covers_it_by_any_of_its_names(name: str) -> None:
    assert judged([FINDING], [accepted(name)], TODAY) == []


def test_an_exception_of_another_package_does_not() -> None:
    told = judged([FINDING], [accepted(package="rich")], TODAY)
    assert told == [TOLD, "the exception for CVE-2099-0001 of rich covers nothing: take it off the list"]


def test_an_exception_ends() -> None:
    told = judged([FINDING], [accepted(until=TODAY - dt.timedelta(days=1))], TODAY)
    assert told == [TOLD, "the exception for CVE-2099-0001 of requests was until 2026-11-25: decide again"]


def test_a_security_update_is_told_and_another_update_is_not() -> None:
    said = (
        "Inst libssl3 [3.0.20-1] (3.0.22-1 Debian-Security:12/oldstable-security [amd64])\n"
        "Inst tzdata [2026b] (2026f Debian:12.12/oldstable [all])\n"
        "Conf libssl3 (3.0.22-1 Debian-Security:12/oldstable-security [amd64])\n"
    )
    found = debian_findings("mlb/airflow:0.1.0", said)
    assert [str(each) for each in found] == [
        "mlb/airflow:0.1.0: libssl3 3.0.20-1: security update 3.0.22-1; build the image again"
    ]


@pytest.mark.parametrize("left_out", ["id", "package", "reason", "until"])
def test_an_exception_says_all_there_is_to_say(left_out: str) -> None:
    lines = {"id": '"CVE-1"', "package": '"rich"', "reason": '"why"', "until": "2027-01-31"}
    text = "[[exception]]\n" + "\n".join(f"{k} = {v}" for k, v in lines.items() if k != left_out)
    with pytest.raises(SystemExit, match="exception 1 needs id, package, reason and until"):
        exceptions(text)


def test_the_list_in_the_repository_is_one() -> None:
    assert all(len(each.reason) > 20 for each in exceptions(EXCEPTIONS.read_text()))


def test_where_no_database_answers_it_says_so_and_fails(tmp_path: Path) -> None:
    """Without pip-audit beside this interpreter nothing can be asked, as where no network is."""
    program = Path(__file__).parents[3] / "tools" / "audit.py"
    done = subprocess.run([sys.executable, program], capture_output=True, text=True)
    assert done.returncode == 2
    assert "audit: not looked up: " in done.stdout
    assert "runtime.lock" in done.stdout and "`make audit` sets it up" in done.stdout
