"""A run's deadline in Airflow's database, and that a run which has one can be run again."""

import datetime as dt

import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.backfill import Backfill, ReprocessBehavior, _create_backfill
from airflow.models.dagrun import DagRun
from airflow.models.deadline import Deadline
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import select

from tests.dags.test_dags import DAGS, PIPELINE

DAY = dt.datetime(2023, 10, 1, tzinfo=dt.UTC)


def backfill() -> DagRun:
    """The day's run as a backfill queues it, by what the API server calls."""
    _create_backfill(
        dag_id=PIPELINE,
        from_date=DAY,
        to_date=DAY,
        max_active_runs=1,
        reverse=False,
        dag_run_conf={},
        triggering_user_name="somebody",
        reprocess_behavior=ReprocessBehavior.COMPLETED,
    )
    with create_session() as session:
        run = session.scalars(select(DagRun).where(DagRun.dag_id == PIPELINE)).one()
        session.expunge_all()
    return run


def failed(run: DagRun) -> None:
    """The run and its backfill have ended."""
    with create_session() as session:
        session.get_one(DagRun, run.id).state = DagRunState.FAILED
        session.scalars(select(Backfill)).one().completed_at = dt.datetime.now(dt.UTC)


def deadlines() -> list[dt.datetime]:
    with create_session() as session:
        return list(session.scalars(select(Deadline.deadline_time)))


@pytest.fixture(scope="module", autouse=True)
def database() -> None:
    initdb()
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(DagBag(DAGS), "dags-folder", None)


def test_a_failed_run_with_a_deadline_can_be_run_again() -> None:
    """With a deadline of Airflow 3.3.2's own kinds this is a TypeError: see mlb_airflow/deadlines.py."""
    first = backfill()
    assert first.queued_at
    assert deadlines() == [first.queued_at + dt.timedelta(hours=8)]
    failed(first)

    again = backfill()
    assert (again.id, again.state) == (first.id, DagRunState.QUEUED)
    assert deadlines() == [first.queued_at + dt.timedelta(hours=8)]
