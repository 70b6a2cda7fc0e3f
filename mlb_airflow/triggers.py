"""The trigger that waits for a job's pod, and wakes the task when its SLA is due; the pod goes on."""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.providers.cncf.kubernetes.triggers.pod import KubernetesPodTrigger
from airflow.triggers.base import TriggerEvent

#: Status of the event that says the SLA is due.
SLA_DUE = "sla"


class SparkJobTrigger(KubernetesPodTrigger):
    """Waits for a pod as its parent does, until `sla_due` (seconds since 1970; None: for ever).

    It only wakes the task, which tells of the breach: a triggerer that dies while it tells loses the alert,
    a task's event is kept in the database.

    Yields nothing sooner than `EARLIEST` seconds after the deferral: Airflow 3.3 may take a task that is
    resumed before the executor has heard of its deferral for a failed one, and leave its pod alone.
    """

    EARLIEST = 10.0

    def __init__(self, *, sla_due: float | None = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.sla_due = sla_due

    @classmethod
    def around(cls, trigger: KubernetesPodTrigger, sla_due: float | None) -> "SparkJobTrigger":
        """A trigger that waits for the same pod as another."""
        _, arguments = trigger.serialize()
        return cls(**arguments, sla_due=sla_due)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class and arguments, from which any triggerer makes this trigger again."""
        _, arguments = super().serialize()
        return f"{type(self).__module__}.{type(self).__qualname__}", {**arguments, "sla_due": self.sla_due}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: the pod's, or that the SLA is due."""
        event = await self._pod_event_before(self.sla_due)
        await asyncio.sleep(self._until_earliest())
        yield event

    async def _pod_event_before(self, due: float | None) -> TriggerEvent:
        events = super().run()
        waiting = asyncio.ensure_future(anext(aiter(events)))
        try:
            left = None if due is None else max(0.0, due - time.time())
            done, _ = await asyncio.wait({waiting}, timeout=left)
            if done:
                return waiting.result()
        finally:
            # Also where the triggerer stops: nothing may go on polling.
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await waiting
        # From here on the task is the worker's: a kill is its to handle.
        self._fired_event = True
        return TriggerEvent(
            {
                "status": SLA_DUE,
                "namespace": self.pod_namespace,
                "name": self.pod_name,
                "message": "The task's SLA is due.",
                "last_log_time": self.last_log_time,
                **self.trigger_kwargs,
            }
        )

    def _until_earliest(self) -> float:
        waited = (dt.datetime.now(dt.UTC) - self.trigger_start_time).total_seconds()
        return max(0.0, self.EARLIEST - waited)
