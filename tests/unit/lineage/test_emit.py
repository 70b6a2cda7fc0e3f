"""Where events go, and what becomes of a job whose events cannot go there: nothing."""

import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from spark_jobs.lineage import emit
from spark_jobs.lineage.emit import Sender, sender_of
from spark_jobs.settings import Settings
from tests.lineage_server import LineageServer
from tests.unit.lineage.test_events import ABOUT


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE_DISABLED", "OPENLINEAGE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    emit._sender.cache_clear()


def sender_to(place: str, timeout: float = 20) -> Sender:
    sender = sender_of(Settings(lineage=SecretStr(place), lineage_timeout=timeout))
    assert sender
    return sender


def send(sender: Sender) -> None:
    """A run's two events, and the wait at its end."""
    for _ in range(2):
        sender.send(lambda events: events.started(ABOUT))
    sender.settle()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_without_a_setting_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sender_of(Settings()) is None
    assert sender_of(Settings(lineage=SecretStr("none"))) is None
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    assert sender_of(Settings(lineage=SecretStr("/tmp/x"))) is None


def test_a_file_gets_a_line_an_event(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "new" / "events.jsonl"
    send(sender_to(str(file)))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["eventType"] for line in lines] == ["START", "START"]
    assert warnings(caplog) == []


def test_an_endpoint_gets_each_event_with_the_key(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "hidden")
    with LineageServer() as server:
        send(sender_to(server.url))
        send(sender_to(f"{server.url}/other/path?zone=2"))
        paths = [path for path, _ in server.requests]
        assert paths == ["/api/v1/lineage"] * 2 + ["/other/path?zone=2"] * 2
        assert {headers["Authorization"] for _, headers in server.requests} == {"Bearer hidden"}
        assert "hidden" not in json.dumps(server.events)
    assert warnings(caplog) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_standard_settings_do_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with LineageServer() as server:
        monkeypatch.setenv("OPENLINEAGE_URL", server.url)
        sender = sender_of(Settings())
        assert sender
        send(sender)
        assert len(server.events) == 2
        assert "sourceCodeLocation" in server.events[0]["job"]["facets"]
        url = server.events[0]["job"]["facets"]["sourceCodeLocation"]["url"]
        assert url == "https://git.example.org/club/platform", "ours, and not what the client finds in .git"
    for name in [n for n in emit.os.environ if n.startswith("OPENLINEAGE__")]:
        monkeypatch.delenv(name)  # the client writes them itself


def test_an_endpoint_that_is_down_costs_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with LineageServer() as server:
        gone = server.url.replace("http://", "http://user:hidden@") + "/x?token=hidden"
    sender = sender_to(gone)
    send(sender)
    send(sender)
    (told,) = warnings(caplog)
    assert "could not be reached (ConnectionError)" in told and "docs/lineage.md" in told
    assert "hidden" not in told and "user" not in told


def test_an_endpoint_that_refuses_costs_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with LineageServer(status=403) as server:
        sender = sender_to(server.url)
        send(sender)
        send(sender)
        assert len(server.requests) == 1
    (told,) = warnings(caplog)
    assert "answered 403" in told


def test_an_endpoint_that_does_not_answer_costs_the_bound_once(caplog: pytest.LogCaptureFixture) -> None:
    with LineageServer(status=None) as server:
        sender = sender_to(server.url, timeout=1)
        started = time.monotonic()
        send(sender)
        assert time.monotonic() - started < 10, "the server would not have answered at all"
        started = time.monotonic()
        for _ in range(100):
            send(sender)
        assert time.monotonic() - started < 1, "whoever has given up waits no more"
    (told,) = warnings(caplog)
    assert "took longer than 1 s" in told


def test_a_place_that_is_none_costs_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    send(sender_to(str(tmp_path / "file" / "events.jsonl")))
    (told,) = warnings(caplog)
    assert "cannot be used (NotADirectoryError)" in told or "cannot be used (FileExistsError)" in told


def test_a_setting_hides_what_it_holds() -> None:
    settings: Any = Settings(lineage=SecretStr("https://user:hidden@example.org"))
    assert "hidden" not in repr(settings)
    assert logging.getLogger("urllib3.connectionpool").level == logging.CRITICAL
