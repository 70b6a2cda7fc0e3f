"""Invented identifiers: deterministic, unique, and such that nobody can have them."""

from __future__ import annotations

import pytest

from spark_jobs.sample_feed import synthetic


def test_a_contact_depends_on_the_employee_id_only() -> None:
    alone = synthetic.contacts(["aaronha01"])
    among = synthetic.contacts(["aardsda01", "aaronha01"])
    assert alone["aaronha01"] == among["aaronha01"]
    assert alone["aaronha01"].email == "aaronha01@example.org"


def test_a_clash_is_resolved_in_the_order_of_the_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "ssn", lambda name, attempt=0: f"900-01-{attempt:04d}")
    found = synthetic.contacts(["b", "a", "c"])
    assert [found[name].ssn for name in "abc"] == ["900-01-0000", "900-01-0001", "900-01-0002"]


def test_a_stranger_is_somebody_else() -> None:
    known = synthetic.contacts(["aaronha01"])["aaronha01"]
    used = {known.ssn}
    other = synthetic.stranger("aaronha01", "1934-02-05", used)
    assert other.ssn != known.ssn and other.ssn in used
    assert other.birth_date.startswith("1937-")
