"""Alerts to people: what they say, and by which notifiers they go out.

Another way out, such as e-mail, is one more notifier in `notifiers`; docs/airflow.md shows it.
"""

import logging
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from airflow.providers.amazon.aws.notifications.sns import SnsNotifier
from airflow.sdk import BaseNotifier
from airflow.sdk.configuration import conf

from mlb_airflow.settings import Settings

Kind = Literal["failure", "sla", "deadline"]
log = logging.getLogger(__name__)

_TITLES: dict[Kind, str] = {"failure": "FAILED", "sla": "SLA BREACHED", "deadline": "DEADLINE MISSED"}
#: What SNS takes for a subject.
_LONGEST_SUBJECT = 99
_WIDTH = 15


@dataclass(frozen=True)
class Alert:
    """One thing that a person on call should know of.

    kind: failure (a task, after its last try), sla (a task takes longer than it should) or deadline (a run
    does). what: one sentence. delivery_date: YYYY-MM-DD, or empty. attempt: such as "4, the last one".
    rows_refused: None where it is not known. look: a kubectl command. link: to the log or the run.
    """

    kind: Kind
    dag_id: str
    what: str
    task_id: str = ""
    run_id: str = ""
    delivery_date: str = ""
    attempt: str = ""
    rows_refused: int | None = None
    look: str = ""
    link: str = ""

    @property
    def subject(self) -> str:
        """One line of ASCII of at most 99 characters: what happened, and to what."""
        about = f"{self.dag_id}.{self.task_id}" if self.task_id else self.dag_id
        delivery = f" delivery {self.delivery_date}" if self.delivery_date else ""
        text = f"{_TITLES[self.kind]}: {about}{delivery}"
        return text.encode("ascii", "replace").decode()[:_LONGEST_SUBJECT]

    @property
    def body(self) -> str:
        """What a person needs to act: the fields that are known, one a line."""
        refused = "" if self.rows_refused is None else f"{self.rows_refused:,}"
        lines = (
            ("What happened", self.what),
            ("DAG", self.dag_id),
            ("Task", self.task_id),
            ("Delivery", self.delivery_date),
            ("Try", self.attempt),
            ("Rows refused", refused),
            ("Run", self.run_id),
            ("Look", self.look),
            ("Log", self.link),
        )
        return "\n".join(f"{name + ':':{_WIDTH}}{value}" for name, value in lines if value)

    @property
    def attributes(self) -> dict[str, str]:
        """Attributes by which a subscription to the topic can filter."""
        values = {"kind": self.kind, "dag_id": self.dag_id, "task_id": self.task_id}
        return {name: value for name, value in values.items() if value}


def notifiers(alert: Alert, settings: Settings) -> list[BaseNotifier]:
    """The ways on which an alert goes out; none where no topic is set."""
    if not settings.alerts_topic_arn:
        return []
    return [
        SnsNotifier(
            target_arn=settings.alerts_topic_arn,
            # The topic's own region: the one that the process runs in is another where teams share a topic.
            region_name=settings.alerts_topic_arn.split(":")[3],
            subject=alert.subject,
            message=alert.body,
            message_attributes=alert.attributes,
        )
    ]


def send(alert: Alert, settings: Settings, context: Any = None) -> None:
    """Send an alert, and log it in any case. Raises what the notifier raises where it does not go out."""
    log.warning("ALERT %s\n%s", alert.subject, alert.body)
    for notifier in notifiers(alert, settings):
        notifier.notify(context or {})  # type: ignore[arg-type]


async def deadline_missed(context: dict[str, Any]) -> None:
    """Tell that a run of the pipeline has not ended in time; the triggerer calls this (a DeadlineAlert).

    A backfill's run that has not begun waits for its turn, as it should: no alert.
    """
    run = context["dag_run"]
    if run.get("run_type") == "backfill" and not run.get("start_date"):
        log.info("The run %s of a backfill waits for its turn: no alert.", run["dag_run_id"])
        return
    settings = Settings.from_environment()
    alert = Alert(
        kind="deadline",
        dag_id=run["dag_id"],
        run_id=run["dag_run_id"],
        delivery_date=(run.get("data_interval_start") or "")[:10],
        what=f"The run has not ended {settings.run_deadline} after it was queued. It goes on.",
        look=f"kubectl -n {settings.spark_namespace} get pods -L mlb/job,mlb/delivery-date",
        link=run_url(run["dag_id"], run["dag_run_id"]),
    )
    log.warning("ALERT %s\n%s", alert.subject, alert.body)
    for notifier in notifiers(alert, settings):
        await notifier.async_notify(context)  # type: ignore[arg-type]


def run_url(dag_id: str, run_id: str, task_id: str = "") -> str:
    """Where Airflow's UI shows a run, or one task of it with its log."""
    base = conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")
    task = f"/tasks/{task_id}" if task_id else ""
    return f"{base}/dags/{dag_id}/runs/{quote(run_id)}{task}"
