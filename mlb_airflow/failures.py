"""What is kept of a task's failure, so that the alert can tell of it: one XCom, and one alert an incident.

A task that fails leaves its last failure under the XCom `failure`; its retries send nothing. When it has
failed for good, `notify_failure` reads it, and sends one alert."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from kubernetes.client.exceptions import ApiException

from mlb_airflow.alerts import Alert, run_url, send
from mlb_airflow.settings import Settings

XCOM = "failure"


@dataclass(frozen=True)
class Failure:
    """Why a try of a task failed.

    sentence: what, where, what to do. is_final: no retry would help. pod: the job's pod, or empty.
    rows_refused: as the job counted them, or None.
    """

    sentence: str
    attempt: int = 0
    is_final: bool = False
    delivery_date: str = ""
    pod: str = ""
    exit_code: int | None = None
    reason: str | None = None
    rows_refused: int | None = None
    link: str = ""


class JobFailed(AirflowException):
    """A job's try failed and a retry may help; the message is the sentence."""


class JobFailedForGood(AirflowFailException):
    """A job's try failed and a retry would change nothing: Airflow makes none."""


@contextmanager
def failures_kept(context: Any, delivery_date: str = "") -> Iterator[None]:
    """Keep whatever ends the block as the task's failure, and raise it as one of the two errors above."""
    try:
        yield
    except AirflowSkipException:
        raise
    except _Told as told:
        _keep(context, told.failure)
        error = JobFailedForGood if told.failure.is_final else JobFailed
        raise error(told.failure.sentence) from None
    except ApiException as error:
        sentence = sentence_of(error)
        _keep(context, Failure(sentence=sentence, delivery_date=delivery_date))
        raise JobFailed(sentence) from error
    except Exception as error:
        _keep(context, Failure(sentence=_first_line(error), delivery_date=delivery_date))
        raise


class _Told(Exception):
    """Carries a failure to the `failures_kept` around."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


def fail(failure: Failure) -> NoReturn:
    """End the block of `failures_kept` around with a failure."""
    raise _Told(failure)


def sentence_of(error: ApiException) -> str:
    """What the API server answered, and what to do about it."""
    said = " ".join(str(error.body or error.reason or "").split())[:400]
    if error.status == 403 and "quota" in said:
        return (
            f"The namespace's quota has no room for the job's pod: {said}. Let fewer jobs run at once (the "
            "pool spark_jobs), or raise resourceQuota.hard in helm/spark-jobs."
        )
    if error.status == 403:
        return (
            f"Airflow may not do this in the jobs' namespace: {said}. Name its service account in "
            "launcher.serviceAccounts of helm/spark-jobs."
        )
    return f"Kubernetes' API server answered {error.status}: {said}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:500]}" if lines else type(error).__name__


def _keep(context: Any, failure: Failure) -> None:
    ti = context["ti"]
    values = {**asdict(failure), "attempt": ti.try_number, "link": ti.log_url}
    ti.xcom_push(key=XCOM, value=values)


def notify_failure(context: Any) -> None:
    """Send one alert for each task before this one that has failed for good."""
    settings = Settings.from_environment()
    ti, run = context["ti"], context["dag_run"]
    before = sorted(context["task"].upstream_task_ids)
    states = ti.get_task_states(dag_id=ti.dag_id, task_ids=before, run_ids=[ti.run_id]).get(ti.run_id, {})
    for task_id in before:
        if states.get(task_id) == "failed":
            kept = ti.xcom_pull(task_ids=task_id, key=XCOM)
            failure = Failure(**kept) if kept else None
            refused = _rows_refused(ti, before)
            send(alert_of(task_id, failure, run, refused, settings), settings, context)


def tell_own_failure(context: Any) -> None:
    """Send the alert of a task that comes after the notice, when it has failed for good (a callback)."""
    settings = Settings.from_environment()
    ti = context["ti"]
    error = context.get("exception")
    sentence = _first_line(error) if isinstance(error, Exception) else "The task has failed."
    failure = Failure(sentence, attempt=ti.try_number, link=ti.log_url)
    send(alert_of(ti.task_id, failure, context["dag_run"], None, settings), settings, context)


def _rows_refused(ti: Any, task_ids: list[str]) -> int | None:
    results = [ti.xcom_pull(task_ids=task_id) for task_id in task_ids]
    counts = [rows_refused(result) for result in results if isinstance(result, dict)]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def rows_refused(result: dict[str, Any]) -> int | None:
    """How many rows a job has put into the quarantine, by its result; None where it does not say."""
    rows = result.get("rows") or {}
    return rows.get("quarantined")


def may_have_refused(results: Sequence[dict[str, Any] | None]) -> bool:
    """Whether one of the jobs has refused rows, or its result does not say (too long a message)."""
    return any(rows_refused(result or {}) != 0 for result in results)


def alert_of(
    task_id: str, failure: Failure | None, run: Any, refused: int | None, settings: Settings
) -> Alert:
    """The alert for a task that has failed for good, from what it left (None: it left nothing)."""
    start = getattr(run, "data_interval_start", None)
    link = run_url(run.dag_id, run.run_id, task_id)
    if failure is None:
        failure = Failure(
            "The task was ended from outside: a time-out of its run, a person who marked it as failed, or "
            "a worker that went away. Its log says more."
        )
    attempt = f"{failure.attempt} ({'no retry would help' if failure.is_final else 'the last one'})"
    known = failure.rows_refused if failure.rows_refused is not None else refused
    return Alert(
        kind="failure",
        dag_id=run.dag_id,
        task_id=task_id,
        run_id=run.run_id,
        delivery_date=failure.delivery_date or (start.date().isoformat() if start else ""),
        attempt=attempt if failure.attempt else "",
        what=failure.sentence,
        rows_refused=known,
        look=look_at(failure.pod, settings),
        link=failure.link or link,
    )


def look_at(pod: str, settings: Settings) -> str:
    """The kubectl command to look with: at one pod, or at all of the jobs'."""
    if pod:
        return f"kubectl -n {settings.spark_namespace} logs {pod} --tail=100"
    return f"kubectl -n {settings.spark_namespace} get pods -L mlb/job,mlb/delivery-date"
