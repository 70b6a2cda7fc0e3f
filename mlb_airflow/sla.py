"""The SLA of one task: when it is due, from the task's first start on, and whether its breach was told."""

import datetime as dt
from typing import Any, Protocol

#: Seconds after which a breach is told again where the first attempt did not get through.
TELL_AGAIN = 300


class Store(Protocol):
    """What Airflow keeps for a task across its tries and deferrals (context["task_state_store"])."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value under a key."""
        ...

    def set(self, key: str, value: Any) -> None:
        """Keep a value under a key."""
        ...


class SlaClock:
    """One task's SLA, kept in the task's state store under `sla`.

    A task that a person clears starts anew: Airflow then gives it a new `max_tries`, which the tries of one
    series share.
    """

    _KEY = "sla"

    def __init__(self, store: Store, allowed: dt.timedelta, started: dt.datetime, series: int) -> None:
        """The clock of a task that is allowed some time, in a try that started at a time, of a series."""
        self._store = store
        self._allowed = allowed
        kept = store.get(self._KEY)
        if not isinstance(kept, dict) or kept.get("series") != series:
            kept = {"series": series, "since": started.isoformat(), "told": False, "due_again": None}
            store.set(self._KEY, kept)
        self._kept: dict[str, Any] = kept

    @property
    def since(self) -> dt.datetime:
        """When the task started for the first time."""
        return dt.datetime.fromisoformat(self._kept["since"])

    @property
    def due(self) -> float | None:
        """When to wake up and tell of a breach, as seconds since 1970; None: never again."""
        if self._kept["told"]:
            return None
        return self._kept["due_again"] or (self.since + self._allowed).timestamp()

    def is_breached(self, now: float) -> bool:
        """Whether there is a breach that has not been told."""
        return self.due is not None and now >= self.due

    def told(self) -> None:
        """The breach was told: not again."""
        self._keep(told=True)

    def not_told(self, now: float) -> None:
        """The breach could not be told: try again a little later."""
        self._keep(due_again=now + TELL_AGAIN)

    def _keep(self, **values: Any) -> None:
        self._kept = {**self._kept, **values}
        self._store.set(self._KEY, self._kept)
