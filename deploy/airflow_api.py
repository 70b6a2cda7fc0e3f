"""Airflow's REST API, as far as the platform's commands and the tests on the cluster use it."""

import datetime as dt
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any


class Airflow:
    """A client of the API that is logged in."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self._token = ""
        body = {"username": username, "password": password}
        self._token = self.call("POST", "/auth/token", body)["access_token"]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **query: Any) -> Any:
        """Call the API; raises RuntimeError with what Airflow says where it refuses."""
        question = f"?{urllib.parse.urlencode(query)}" if query else ""
        request = urllib.request.Request(
            f"{self.url}{path}{question}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:500]
            raise RuntimeError(f"{method} {path}: {error.code} {said}") from error

    def unpause(self, dag: str) -> None:
        """Let a DAG run."""
        self.call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False}, update_mask="is_paused")

    def backfill(self, dag: str, first: str, last: str = "", at_once: int = 1) -> int:
        """Run a DAG for each day of some, again where it has run already; the backfill's id.

        `at_once`: how many days may run at the same time; they start in their order.

        A DAG has one backfill at a time, and the scheduler closes one only some time (up to half a
        minute) after its last run: that is waited for; Airflow refuses where one really runs on.
        """
        for _ in range(90):
            if all(known["completed_at"] for known in self._backfills(dag)):
                break
            time.sleep(1)
        body = {
            "dag_id": dag,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last or first}T00:00:00Z",
            "reprocess_behavior": "completed",
            "max_active_runs": at_once,
            "run_backwards": False,
            "dag_run_conf": {},
        }
        return int(self.call("POST", "/api/v2/backfills", body)["id"])

    def _backfills(self, dag: str) -> list[dict[str, Any]]:
        return self.call("GET", "/api/v2/backfills", dag_id=dag, order_by="-id", limit=10)["backfills"]

    def trigger(self, dag: str, conf: dict[str, Any] | None = None, logical_date: str | None = None) -> str:
        """Trigger a run by hand; its id."""
        body = {"conf": conf or {}, "logical_date": logical_date}
        return self.call("POST", f"/api/v2/dags/{dag}/dagRuns", body)["dag_run_id"]

    def runs_of_day(self, dag: str, day: str) -> list[dict[str, Any]]:
        """The runs whose data interval begins with a day, the newest first."""
        start = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
        listed = self.call("GET", f"/api/v2/dags/{dag}/dagRuns", limit=100, order_by="-id")["dag_runs"]
        return [r for r in listed if r["data_interval_start"] and _time(r["data_interval_start"]) == start]

    def starts_of_day(self, dag: str, day: str) -> set[tuple[str, str]]:
        """Those runs, each with when it was queued: a backfill queues the run that a day has once more."""
        return {(run["dag_run_id"], run["queued_at"]) for run in self.runs_of_day(dag, day)}

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """A DAG's runs, the newest first."""
        return self.call("GET", f"/api/v2/dags/{dag}/dagRuns", limit=100, order_by="-id")["dag_runs"]

    def run_state(self, dag: str, run_id: str) -> str:
        """A run's state."""
        return self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{_quoted(run_id)}")["state"]

    def tasks(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        """A run's task instances, in the order in which they started."""
        path = f"/api/v2/dags/{dag}/dagRuns/{_quoted(run_id)}/taskInstances"
        found = self.call("GET", path)["task_instances"]
        return sorted(found, key=lambda task: task["start_date"] or "9")

    def result(self, dag: str, run_id: str, task: str) -> dict[str, Any]:
        """The result that a job's task has returned; empty for a task that returned no such thing."""
        path = f"/api/v2/dags/{dag}/dagRuns/{_quoted(run_id)}/taskInstances/{task}/xcomEntries/return_value"
        try:
            value = self.call("GET", path, deserialize=False)["value"]
        except RuntimeError:
            return {}
        told = json.loads(value) if isinstance(value, str) else value
        return told if isinstance(told, dict) else {}


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _quoted(run_id: str) -> str:
    return urllib.parse.quote(run_id, safe="")
