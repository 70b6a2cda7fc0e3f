"""From when a run's deadline counts: as DAGRUN_QUEUED_AT of Airflow, with which 3.3.2 cannot clear a run.

Clearing a run, and so also a backfill over a day that has run, moves deadlines of that kind; 3.3.2 reads
their stored interval as a number of seconds, which it no longer is, and answers 500 (TypeError in
`_recalculate_dagrun_queued_at_deadlines`). It leaves deadlines of other kinds alone: a run that is cleared
keeps the deadline of its first start. Take DAGRUN_QUEUED_AT again once Airflow has mended it.
"""

import datetime as dt
from typing import Any

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk.definitions.deadline import BaseDeadlineReference


class RunQueuedAt(BaseDeadlineReference):
    """When the run was queued first."""

    required_kwargs = frozenset({"dag_id", "run_id"})

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str) -> dt.datetime | None:
        """Asked by the scheduler and the API server, which have the database, when they make a run."""
        from airflow.models import DagRun
        from sqlalchemy import select

        of_run = (DagRun.dag_id == dag_id, DagRun.run_id == run_id)
        return session.scalar(select(DagRun.queued_at).where(*of_run))


class DeadlinesPlugin(AirflowPlugin):
    """Makes the reference known to Airflow: the entry point `airflow.plugins` of this package."""

    name = "mlb_deadlines"
    deadline_references = [RunQueuedAt]  # noqa: RUF012 (as Airflow declares it)
