"""A forwarded port stays open however often it is used."""

from pathlib import Path

import pytest

from deploy.__main__ import forwarded
from tests.waiting import wait_until

#: As kubectl does: a line for the port, and one for each connection, here more than a pipe holds.
KUBECTL = """#!/bin/sh
echo "Forwarding from 127.0.0.1:40001 -> 8080"
i=0
while [ $i -lt 5000 ]; do echo "Handling connection for 40001"; i=$((i + 1)); done
touch "$SAID_ALL"
exec sleep 60
"""


def test_kubectl_is_never_kept_from_saying_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl, said_all = tmp_path / "kubectl", tmp_path / "said-all"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("SAID_ALL", str(said_all))
    with forwarded("airflow", "service/airflow-api-server", 8080) as port:
        assert port == 40001
        wait_until(said_all.exists, what="kubectl has said all, and waits for nobody to read it")
