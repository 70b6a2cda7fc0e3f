"""What Airflow's own lineage events may say: nothing that a person has typed, and nothing of a job's data.

The provider puts a run's parameters, its note, who started it and the text of every error into its events.
An error quotes the job's sentence, which may be Spark's and quote a row; the reason of an erasure is a
parameter. The chart sends events through `Bare` (the client's transport `transform`), which lets through
what is harmless: the job's own event has its error in a sentence that may be told.
"""

from typing import Any

import attr
from openlineage.client.event_v2 import RunEvent
from openlineage.client.facet_v2 import error_message_run
from openlineage.client.transport.transform import EventTransformer

#: Facets of a run that tell of nothing but names, times and states.
KEPT = {
    "airflowMappedTask",
    "airflowState",
    "jobDependencies",
    "nominalTime",
    "parent",
    "processing_engine",
    "tags",
}
#: What stays of the parts of Airflow's own facets.
KEPT_OF = {
    "dag": {"dag_id", "owner", "start_date", "tags", "timetable_summary"},
    "dagRun": {
        "clear_number",
        "dag_id",
        "data_interval_end",
        "data_interval_start",
        "duration",
        "end_date",
        "logical_date",
        "run_after",
        "run_id",
        "run_type",
        "start_date",
    },
    "task": {
        "downstream_task_ids",
        "operator_class",
        "retries",
        "task_id",
        "trigger_rule",
        "upstream_task_ids",
    },
    "taskInstance": {"duration", "log_url", "map_index", "pool", "queued_dttm", "try_number"},
}
FAILED = "The task has failed: its log says why."


class Bare(EventTransformer):
    """Leaves of an event what may be told."""

    def transform(self, event: Any) -> Any:
        """The event without what may name a person."""
        if not isinstance(event, RunEvent):
            return None
        facets = event.run.facets or {}
        event.run.facets = {name: facet for name, facet in facets.items() if name in KEPT}
        for name in {"airflow", "airflowDagRun"} & set(facets):
            event.run.facets[name] = _bare(facets[name])
        if "errorMessage" in facets:
            event.run.facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
                message=FAILED, programmingLanguage="python"
            )
        (event.job.facets or {}).pop("sourceCode", None)
        return event


def _bare(facet: Any) -> Any:
    parts = {field.name: getattr(facet, field.name) for field in attr.fields(type(facet))}
    kept = {
        name: {key: value for key, value in part.items() if key in KEPT_OF[name]}
        for name, part in parts.items()
        if name in KEPT_OF
    }
    return attr.evolve(facet, **kept)
