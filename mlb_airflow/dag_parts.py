"""What all DAGs have in common: defaults, the notice of failures, and small pieces of templates."""

import datetime as dt
from datetime import timedelta
from typing import Any

from airflow.sdk import get_current_context, task

from mlb_airflow import failures
from mlb_airflow.settings import Settings

OWNER = "data_engineer"
START = dt.datetime(2023, 10, 1, tzinfo=dt.UTC)
#: The delivery that a scheduled run takes: that of the day which its data interval is.
DELIVERY_DATE = "{{ data_interval_start | ds }}"


def default_args(settings: Settings) -> dict[str, Any]:
    """Defaults of every task: three retries, each after twice the last one's wait, half an hour at most."""
    return {
        "owner": OWNER,
        "depends_on_past": False,
        "start_date": START,
        "retries": 3,
        "retry_delay": settings.retry_delay,
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": max(timedelta(minutes=30), settings.retry_delay),
    }


@task(trigger_rule="one_failed")
def notify_failure() -> None:
    """Tell people, once, of the task before this one that has failed for good."""
    failures.notify_failure(get_current_context())


def param(name: str, when: str = "true") -> str:
    """A template: the run's parameter, empty where it is not given or a condition is not met."""
    return f"{{{{ params.{name} if ({when}) and params.{name} is not none else '' }}}}"
