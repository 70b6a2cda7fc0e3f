"""A try of a task, as far as operators see it: what Airflow hands them as context."""

import datetime as dt
from typing import Any

from airflow.sdk import BaseOperator


class TaskStore(dict[str, Any]):
    """What Airflow keeps for a task across tries and deferrals."""

    def set(self, key: str, value: Any, **_: Any) -> None:
        self[key] = value


class TaskInstance:
    """One try of one task: what it pushed, and where its log is."""

    dag_id = "mlb_employee_data_pipeline"
    run_id = "scheduled__2023-10-02T00:00:00+00:00"
    map_index = -1

    def __init__(self, task_id: str, try_number: int, started: dt.datetime, max_tries: int) -> None:
        self.task_id, self.try_number, self.start_date = task_id, try_number, started
        self.max_tries = max_tries
        self.pushed: dict[str, Any] = {}

    @property
    def log_url(self) -> str:
        return f"https://airflow.example.org/{self.task_id}?try_number={self.try_number}"

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def context_of(
    task: BaseOperator,
    store: TaskStore,
    try_number: int = 1,
    started: dt.datetime | None = None,
    max_tries: int = 3,
) -> Any:
    """The context of a try; the store is shared by all tries of the task."""
    ti = TaskInstance(task.task_id, try_number, started or dt.datetime.now(dt.UTC), max_tries)
    return {"ti": ti, "run_id": ti.run_id, "dag": None, "task": task, "task_state_store": store}
