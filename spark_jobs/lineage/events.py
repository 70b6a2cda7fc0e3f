"""A run of a job as OpenLineage events: START, and then COMPLETE, FAIL or ABORT (stopped by SIGTERM).

No event holds a value of a row, the name of a delivered file, what a person typed (a reason, who decided),
or anything else that Spark or Java says of a failure: only names, types, versions, counts, and sentences
that this project has written itself.
"""

import datetime as dt
import re
import uuid
from importlib.metadata import version
from urllib.parse import urlsplit

from openlineage.client.event_v2 import (
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    set_producer,
)
from openlineage.client.facet_v2 import (
    DatasetFacet,
    JobFacet,
    RunFacet,
    column_lineage_dataset,
    dataset_type_dataset,
    dataset_version_dataset,
    documentation_dataset,
    error_message_run,
    execution_parameters_run,
    input_statistics_input_dataset,
    job_type_job,
    nominal_time_run,
    output_statistics_output_dataset,
    ownership_job,
    parent_run,
    processing_engine_run,
    schema_dataset,
    source_code_location_job,
)

from spark_jobs.lineage.columns import CHANGED, COUNTED, MASKED, SAME, ColumnLineage
from spark_jobs.lineage.facts import About, Ended, Place, Told

PACKAGE = "mlb-employee-data-platform"
#: Who makes these events: a name, since nobody knows at which address this code is kept.
PRODUCER = f"urn:{PACKAGE}:{version(PACKAGE)}"
set_producer(PRODUCER)
#: What a run may be asked for and events tell of; others (a reason, a person) stay in the ledger.
TOLD_PARAMETERS = ("bronze_version", "bronze_as_of", "seasons", "dry_run", "to_version", "as_of")
_HOW = {SAME: "IDENTITY", CHANGED: "TRANSFORMATION", MASKED: "TRANSFORMATION", COUNTED: "AGGREGATION"}
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"`,;)]+", re.IGNORECASE)


def started(about: About) -> RunEvent:
    """The event of a run that has begun; what it will read is not known yet."""
    return _event(about, RunState.START, about.started_at, _run_facets(about, {}))


def ended(about: About, end: Ended, stopped: int = 143) -> RunEvent:
    """The event of a run that has ended."""
    facets = _run_facets(about, end.parameters)
    if end.error:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
            message=without_secrets(end.error),
            programmingLanguage="python",
        )
    state = {0: RunState.COMPLETE, stopped: RunState.ABORT}.get(end.exit_code, RunState.FAIL)
    event = _event(about, state, end.at, facets)
    event.inputs = [_input(told) for told in end.inputs]
    event.outputs = [_output(told) for told in end.outputs]
    return event


def without_secrets(sentence: str) -> str:
    """A sentence whose addresses have lost user, password and query."""

    def bare(found: re.Match[str]) -> str:
        scheme, _, rest = found[0].partition("://")
        parts = urlsplit(f"//{rest}")
        return f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    return _ADDRESS.sub(bare, sentence)


def run_uuid(about: About) -> str:
    """OpenLineage's id of a run: several runs of a process may share the launcher's run_id."""
    parts = (about.namespace, about.dataset, about.job, about.run_id, str(about.delivery_date))
    name = "/".join((*parts, about.started_at.isoformat()))
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{PRODUCER}/{name}"))


def parent_facet(parent: str, root: str | None) -> parent_run.ParentRunFacet | None:
    """The facet of a parent written NAMESPACE/NAME/UUID (and its root); None where it is not so written."""
    try:
        namespace, name, run_id = parent.rsplit("/", 2)
        facet = parent_run.ParentRunFacet(
            run=parent_run.Run(runId=run_id),
            job=parent_run.Job(namespace=namespace, name=name),
        )
        if root:
            namespace, name, run_id = root.rsplit("/", 2)
            facet.root = parent_run.Root(
                run=parent_run.RootRun(runId=run_id), job=parent_run.RootJob(namespace, name)
            )
    except ValueError:
        return None
    return facet


def _event(about: About, state: RunState, at: dt.datetime, facets: dict[str, RunFacet]) -> RunEvent:
    return RunEvent(
        eventType=state,
        eventTime=at.astimezone(dt.UTC).isoformat(),
        run=Run(runId=run_uuid(about), facets=facets),
        job=Job(namespace=about.namespace, name=f"{about.dataset}.{about.job}", facets=_job_facets(about)),
    )


def _run_facets(about: About, parameters: dict[str, str]) -> dict[str, RunFacet]:
    facets: dict[str, RunFacet] = {
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
            version=about.spark_version,
            name="spark",
        ),
        "executionParameters": execution_parameters_run.ExecutionParametersRunFacet(
            parameters=_parameters(about, parameters),
        ),
    }
    if about.delivery_date:
        day = dt.datetime.combine(about.delivery_date, dt.time(), dt.UTC)
        facets["nominalTime"] = nominal_time_run.NominalTimeRunFacet(
            nominalStartTime=day.isoformat(),
            nominalEndTime=(day + dt.timedelta(days=1)).isoformat(),
        )
    parent = parent_facet(about.parent, about.root) if about.parent else None
    if parent:
        facets["parent"] = parent
    return facets


def _parameters(
    about: About, parameters: dict[str, str]
) -> list[execution_parameters_run.ExecutionParameter]:
    told = {"run_id": about.run_id, "contract_version": about.contract_version}
    if about.delivery_date:
        told["delivery_date"] = str(about.delivery_date)
    told |= {name: parameters[name] for name in TOLD_PARAMETERS if name in parameters}
    return [execution_parameters_run.ExecutionParameter(key=key, value=told[key]) for key in told]


def _job_facets(about: About) -> dict[str, JobFacet]:
    facets: dict[str, JobFacet] = {
        "jobType": job_type_job.JobTypeJobFacet(
            processingType="BATCH",
            integration="SPARK",
            jobType="JOB",
        ),
        "ownership": ownership_job.OwnershipJobFacet(
            owners=[ownership_job.Owner(name=about.owner, type="MAINTAINER")],
        ),
    }
    if about.source_url:
        url = without_secrets(about.source_url)
        facets["sourceCodeLocation"] = source_code_location_job.SourceCodeLocationJobFacet(
            type="git",
            url=url,
            repoUrl=url,
            path=f"spark_jobs/jobs/{about.job.replace('-', '_')}.py",
            version=about.revision,
            tag=version(PACKAGE),
        )
    return facets


def _input(told: Told) -> InputDataset:
    statistics = {}
    if told.rows is not None or told.files is not None:
        statistics["inputStatistics"] = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
            rowCount=told.rows,
            fileCount=told.files,
        )
    place = told.place
    return InputDataset(place.namespace, place.name, facets=_dataset_facets(told), inputFacets=statistics)


def _output(told: Told) -> OutputDataset:
    statistics, facets = {}, _dataset_facets(told)
    if told.written is not None:
        written = told.written
        statistics["outputStatistics"] = (
            output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=written.rows,
                size=written.added.bytes,
                fileCount=written.added.files,
            )
        )
    if told.sources and told.source:
        facets["columnLineage"] = _columns(told.sources, told.source)
    place = told.place
    return OutputDataset(place.namespace, place.name, facets=facets, outputFacets=statistics)


def _dataset_facets(told: Told) -> dict[str, DatasetFacet]:
    facets: dict[str, DatasetFacet] = {
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet(
            datasetType=told.place.kind,
        )
    }
    if told.version is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(
            datasetVersion=told.version,
        )
    if told.description:
        facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(
            description=told.description,
        )
    if told.columns:
        facets["schema"] = schema_dataset.SchemaDatasetFacet(
            fields=[
                schema_dataset.SchemaDatasetFacetFields(name=name, type=kind, description=description)
                for name, kind, description in told.columns
            ],
        )
    return facets


def _columns(lineage: ColumnLineage, source: Place) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    def at(name: str, kind: str, subtype: str, masking: bool = False) -> column_lineage_dataset.InputField:
        made = column_lineage_dataset.Transformation(type=kind, subtype=subtype, masking=masking)
        return column_lineage_dataset.InputField(
            namespace=source.namespace, name=source.name, field=name, transformations=[made]
        )

    counted = any(sources.how == COUNTED for sources in lineage.fields.values())
    return column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={
            name: column_lineage_dataset.Fields(
                inputFields=[
                    at(column, "DIRECT", _HOW[sources.how], sources.how == MASKED)
                    for column in sources.columns
                ]
            )
            for name, sources in lineage.fields.items()
        },
        dataset=[at(name, "INDIRECT", "GROUP_BY" if counted else "FILTER") for name in lineage.rows],
    )
