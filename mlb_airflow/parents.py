"""Tells a job's pod which task has started it, so that its lineage hangs below the task's and the run's."""

from typing import Any

from airflow.providers.openlineage import conf

#: How OpenLineage's tools pass a parent on, and the parent at the root: NAMESPACE/NAME/UUID.
PARENT, ROOT = "OPENLINEAGE_PARENT_ID", "OPENLINEAGE_ROOT_PARENT_ID"


def parents_of(ti: Any) -> dict[str, str]:
    """Environment variables for the pod of a task; none where Airflow sends no lineage."""
    if conf.is_disabled():
        return {}
    from airflow.providers.openlineage.plugins import macros

    return {PARENT: macros.lineage_parent_id(ti), ROOT: macros.lineage_root_parent_id(ti)}
