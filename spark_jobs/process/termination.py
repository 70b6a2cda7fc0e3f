"""The termination message: how a job ended, as JSON in the file that Kubernetes reads.

`kubectl describe`, `kubectl get -o custom-columns` and whoever launched the pod find it in the status
of the container, after the pod has ended. A process that the kernel kills (out of memory) cannot write
one: the status then says OOMKilled by itself.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spark_jobs.ledger import Run

#: What the kubelet keeps of a container's message.
MOST_BYTES = 4096
#: What a message does without where it grows too long, first things first.
_DISPENSABLE = ("notes", "versions_read", "runs", "versions_written", "rows")
_OF_A_RUN = (
    "job",
    "delivery_date",
    "run_id",
    "outcome",
    "exit_code",
    "error",
    "rows",
    "versions_written",
    "versions_read",
    "notes",
    "seconds",
)
log = logging.getLogger(__name__)


def message_of_run(run: Run) -> dict[str, Any]:
    """What is told of one run: outcome or error first, since long values are shown cut."""
    values = {name: getattr(run, name) for name in _OF_A_RUN}
    return {name: value for name, value in values.items() if value not in (None, {}, [])}


def message_of_runs(runs: Sequence[Run], exit_code: int) -> dict[str, Any]:
    """What is told of several runs: the first error, and each run's outcome and rows."""
    errors = [f"{run.job} of {run.delivery_date}: {run.error}" for run in runs if run.error]
    told = {"outcome": _outcome(exit_code), "exit_code": exit_code}
    if errors:
        told["error"] = errors[0]
    names = ("job", "delivery_date", "outcome", "rows")
    return {**told, "runs": [{name: message_of_run(run).get(name) for name in names} for run in runs]}


def message_of_failure(exit_code: int, error: str | None, **about: str | None) -> dict[str, Any]:
    """What is told where there is no run to tell of."""
    told = {**about, "outcome": _outcome(exit_code), "exit_code": exit_code, "error": error}
    return {name: value for name, value in told.items() if value is not None}


def _outcome(exit_code: int) -> str:
    return {0: "succeeded", 143: "stopped"}.get(exit_code, "failed")


def fitted(message: dict[str, Any]) -> bytes:
    """The message as one line of JSON of at most MOST_BYTES, and still valid JSON.

    Lists are shortened from their beginning, then left out, then maps; `left_out` says so. An error
    is shortened last.
    """
    message = dict(message)
    left_out: dict[str, int] = {}
    while len(encoded := _encoded(message, left_out)) > MOST_BYTES:
        name = next((name for name in _DISPENSABLE if message.get(name)), None)
        if name is None:
            _shorten_longest(message)
        elif isinstance(message[name], list):
            left_out[name] = left_out.get(name, 0) + 1
            message[name] = message[name][1:]
        else:
            left_out[name] = len(message.pop(name))
    return encoded


def _encoded(message: dict[str, Any], left_out: dict[str, int]) -> bytes:
    told = {**message, "left_out": left_out} if left_out else message
    return json.dumps(told, ensure_ascii=False, default=str).encode("utf-8", "replace")


def _shorten_longest(message: dict[str, Any]) -> None:
    name = max(message, key=lambda name: len(str(message[name])))
    text = str(message[name])
    message[name] = text[: len(text) * 3 // 4] + "…"


def write_message(file: Path | None, message: dict[str, Any]) -> None:
    """Write the message over what the file held; one that cannot be written is logged, and no error.

    In place, since Kubernetes mounts the one file: nothing can be renamed onto it.
    """
    if file is None:
        return
    try:
        file.write_bytes(fitted(message))
    except OSError as error:
        log.warning("The termination message could not be written to %s: %s.", file, error.strerror)
