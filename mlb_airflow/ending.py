"""How a job's pod ended: its own result where it left one, else what Kubernetes says, in a sentence."""

import json
from dataclasses import dataclass, field
from typing import Any

#: The container in which the job runs, in the chart's pod templates.
CONTAINER = "base"
#: Exit codes of the jobs that no retry changes: wrong usage, bad data.
FINAL_EXIT_CODES = (2, 3)
_STOPPED = 143
_MOST_CHARACTERS = 500


@dataclass(frozen=True)
class Ending:
    """How a pod ended.

    phase: the pod's phase; exit_code and reason: of the job's container, or None where it did not end.
    result: the job's termination message (job, delivery_date, run_id, outcome, exit_code, error, rows,
    versions_written, notes); empty where it left none. sentence: why it is no success.
    """

    pod: str
    phase: str
    exit_code: int | None = None
    reason: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    sentence: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the job itself says that it has succeeded; an exit code of 0 alone is not enough."""
        return self.exit_code == 0 and self.result.get("outcome") == "succeeded"

    @property
    def is_final(self) -> bool:
        """Whether a retry would end in the same way."""
        return self.exit_code in FINAL_EXIT_CODES

    @property
    def is_active(self) -> bool:
        """Whether the pod has not ended: it waits, or runs on."""
        return self.phase not in ("Succeeded", "Failed")


def ending_of(pod: Any, events: str = "") -> Ending:
    """What is known of a pod's end, from its status (a V1Pod) and what its events say."""
    status = pod.status
    statuses = status.container_statuses or []
    container = next((each for each in statuses if each.name == CONTAINER), None)
    ended = container.state.terminated if container and container.state else None
    result = _result(ended.message) if ended else {}
    return Ending(
        pod=pod.metadata.name,
        phase=status.phase or "Unknown",
        exit_code=ended.exit_code if ended else None,
        reason=(ended.reason if ended else None) or status.reason,
        result=result,
        sentence=_sentence(pod, container, ended, result, events),
    )


def _result(message: str | None) -> dict[str, Any]:
    try:
        result = json.loads(message or "")
    except ValueError:
        return {}
    return result if isinstance(result, dict) else {}


def _sentence(pod: Any, container: Any, ended: Any, result: dict[str, Any], events: str) -> str:
    if ended is None:
        return _not_ended(pod, container, events)
    # Kubernetes' own reasons come before the job's: a job that is killed cannot know why.
    if ended.reason == "OOMKilled":
        limit = _memory_limit(pod)
        return (
            f"The job used more memory than its pod may ({limit}) and was killed (OOMKilled): raise the "
            "job's memory in the values of helm/spark-jobs."
        )
    if pod.status.reason:
        return _short(f"The pod was ended by Kubernetes: {pod.status.reason}. {pod.status.message or ''}")
    if result.get("error"):
        return _short(str(result["error"]))
    if ended.exit_code == _STOPPED:
        return "The job was stopped (SIGTERM): its pod was deleted, or its node went away."
    if ended.exit_code == 0:
        return "The job ended with exit code 0 but left no result that says it has succeeded."
    told = (ended.message or "").strip().splitlines()
    last = f", its log with: {told[-1]}" if told else ""
    return _short(f"The job ended with exit code {ended.exit_code} ({ended.reason or 'no reason'}){last}")


def _not_ended(pod: Any, container: Any, events: str) -> str:
    name, status = pod.metadata.name, pod.status
    if status.reason:
        return _short(f"The pod was ended by Kubernetes: {status.reason}. {status.message or ''}")
    waiting = container.state.waiting if container and container.state else None
    if waiting and waiting.reason:
        said = ": ".join(part for part in (waiting.reason, waiting.message) if part)
        return _short(f"The pod {name} did not start: {said}. {events}")
    for condition in status.conditions or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            return _short(f"The pod {name} found no node ({condition.reason}): {condition.message}")
    if status.phase == "Running":
        return f"The pod {name} ran longer than a try of the task may, and was deleted."
    return _short(f"The pod {name} did not start in time. {events}")


def _memory_limit(pod: Any) -> str:
    container = next((each for each in pod.spec.containers if each.name == CONTAINER), None)
    limits = (container.resources.limits or {}) if container and container.resources else {}
    return str(limits.get("memory", "no limit of its own"))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
