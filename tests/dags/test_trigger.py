"""The trigger's race between the pod's end and the SLA."""

import asyncio
import datetime as dt
import time
from typing import Any

import pytest
from airflow.providers.cncf.kubernetes.triggers.pod import KubernetesPodTrigger
from airflow.triggers.base import TriggerEvent

from mlb_airflow.triggers import SparkJobTrigger


def trigger_of(started: float = 60, sla_in: float | None = None, **values: Any) -> SparkJobTrigger:
    """A trigger of a deferral some seconds ago, with an SLA that is due in some seconds."""
    return SparkJobTrigger(
        pod_name="pod",
        pod_namespace="mlb",
        base_container_name="base",
        trigger_start_time=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=started),
        sla_due=None if sla_in is None else time.time() + sla_in,
        **values,
    )


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The pod as Airflow's own trigger sees it: when it ends; whether waiting was given up."""
    seen: dict[str, Any] = {"ends_after": 0.0, "given_up": False}

    async def run(self: Any) -> Any:
        try:
            await asyncio.sleep(seen["ends_after"])
        except asyncio.CancelledError:
            seen["given_up"] = True
            raise
        yield TriggerEvent({"status": "success"})

    monkeypatch.setattr(KubernetesPodTrigger, "run", run)
    return seen


def events_of(trigger: SparkJobTrigger) -> list[Any]:
    async def collect() -> list[Any]:
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())


def test_a_pod_that_ends_in_time_is_the_only_event(pod: dict[str, Any]) -> None:
    assert events_of(trigger_of(sla_in=30)) == [{"status": "success"}]
    assert events_of(trigger_of(sla_in=None)) == [{"status": "success"}]


def test_a_pod_that_takes_longer_wakes_the_task_and_nothing_goes_on_polling(pod: dict[str, Any]) -> None:
    pod["ends_after"] = 60
    trigger = trigger_of(sla_in=0.2, trigger_kwargs={"_execution_deadline": 7})
    (event,) = events_of(trigger)
    assert (event["status"], event["name"], event["namespace"]) == ("sla", "pod", "mlb")
    assert event["_execution_deadline"] == 7
    assert pod["given_up"]


def test_an_sla_that_is_long_due_wakes_the_task_at_once(pod: dict[str, Any]) -> None:
    # As in a retry, or after a triggerer that was away.
    pod["ends_after"] = 60
    assert events_of(trigger_of(sla_in=-100))[0]["status"] == "sla"


def test_a_triggerer_that_stops_gives_up_waiting(pod: dict[str, Any]) -> None:
    pod["ends_after"] = 60

    async def stop() -> None:
        waiting = asyncio.ensure_future(anext(aiter(trigger_of(sla_in=60).run())))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(stop())
    assert pod["given_up"]


def test_nothing_is_yielded_before_the_executor_has_heard_of_the_deferral(
    pod: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SparkJobTrigger, "EARLIEST", 1.0)
    started = time.monotonic()
    assert events_of(trigger_of(started=0.4)) == [{"status": "success"}]
    assert 0.5 < time.monotonic() - started < 0.9
