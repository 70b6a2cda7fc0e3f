"""What the DAGs are told from outside: environment variables that the chart sets, named here only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


class SettingsError(ValueError):
    """A setting is missing or wrong; the message says which one and what it should be."""


@dataclass(frozen=True)
class Settings:
    """Settings of all DAGs. Each field names its environment variable.

    spark_namespace (MLB_SPARK_NAMESPACE): where the jobs' pods run.
    spark_release (MLB_SPARK_RELEASE): release of the chart spark-jobs; its pod templates are in the
        ConfigMap `<release>-pod-templates`.
    landing (MLB_LANDING): the landing zone, s3a://bucket/prefix; holds `employees/<YYYY-MM-DD>/`.
    alerts_topic_arn (MLB_ALERTS_TOPIC_ARN): SNS topic of the alerts; empty: they are only logged.
    sla (MLB_SLA_SECONDS): a task that takes longer raises an alert, and goes on.
    run_deadline (MLB_RUN_DEADLINE_SECONDS): the same for a whole run of the pipeline.
    task_timeout (MLB_TASK_TIMEOUT_SECONDS): a try of a task that takes longer is ended.
    run_timeout (MLB_RUN_TIMEOUT_SECONDS): a run that takes longer is ended.
    delivery_timeout (MLB_DELIVERY_TIMEOUT_SECONDS): how long the pipeline waits for a day's delivery.
    approval_timeout (MLB_APPROVAL_TIMEOUT_SECONDS): how long a run waits for a person's approval.
    retry_delay (MLB_RETRY_DELAY_SECONDS): before the first retry; each further one waits twice as long.
    """

    spark_namespace: str = "mlb"
    spark_release: str = "spark-jobs"
    landing: str = ""
    alerts_topic_arn: str = ""
    sla: timedelta = timedelta(hours=2)
    run_deadline: timedelta = timedelta(hours=8)
    task_timeout: timedelta = timedelta(hours=3)
    run_timeout: timedelta = timedelta(hours=24)
    delivery_timeout: timedelta = timedelta(hours=6)
    approval_timeout: timedelta = timedelta(days=3)
    retry_delay: timedelta = timedelta(minutes=5)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings of this process. Raises SettingsError for a time that is no positive number."""
        given: dict[str, Any] = {}
        for name, variable in _TEXTS.items():
            if text := environment.get(variable):
                given[name] = text
        for name, variable in _TIMES.items():
            if text := environment.get(variable):
                given[name] = _time(variable, text)
        return cls(**given)

    @property
    def landing_url(self) -> str:
        """The landing zone as Airflow's S3 hooks write it. Raises SettingsError where it is not set."""
        scheme, _, place = self.landing.partition("://")
        if scheme not in ("s3a", "s3") or not place:
            raise SettingsError(
                f"MLB_LANDING is {self.landing!r}: set it to the landing zone, such as "
                "s3a://bucket/landing, on scheduler, dag-processor and triggerer (helm/airflow)."
            )
        return f"s3://{place.rstrip('/')}"

    @property
    def pod_templates(self) -> str:
        """The ConfigMap with a pod template for each job."""
        return f"{self.spark_release}-pod-templates"


_TEXTS = {
    "spark_namespace": "MLB_SPARK_NAMESPACE",
    "spark_release": "MLB_SPARK_RELEASE",
    "landing": "MLB_LANDING",
    "alerts_topic_arn": "MLB_ALERTS_TOPIC_ARN",
}
_TIMES = {
    "sla": "MLB_SLA_SECONDS",
    "run_deadline": "MLB_RUN_DEADLINE_SECONDS",
    "task_timeout": "MLB_TASK_TIMEOUT_SECONDS",
    "run_timeout": "MLB_RUN_TIMEOUT_SECONDS",
    "delivery_timeout": "MLB_DELIVERY_TIMEOUT_SECONDS",
    "approval_timeout": "MLB_APPROVAL_TIMEOUT_SECONDS",
    "retry_delay": "MLB_RETRY_DELAY_SECONDS",
}
#: Every environment variable that is read.
VARIABLES = (*_TEXTS.values(), *_TIMES.values())


def _time(variable: str, text: str) -> timedelta:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise SettingsError(f"{variable} is {text!r}: write it as a number of seconds, such as 7200.")
    return timedelta(seconds=seconds)
