"""Events of runs that are only told of: their form, their names, and what stays out of them."""

import datetime as dt
import json
from dataclasses import replace

import jsonschema
import pytest
from openlineage.client.serde import Serde

from spark_jobs.contracts.contract import Contract
from spark_jobs.lake.commits import Files, Written
from spark_jobs.lineage import events
from spark_jobs.lineage.columns import column_lineage
from spark_jobs.lineage.facts import About, Ended, Place, Told
from tests.openlineage import check_event

DAY, AT = dt.date(2023, 10, 1), dt.datetime(2023, 10, 2, 0, 5, tzinfo=dt.UTC)
UUID = "01890000-0000-7000-8000-000000000001"
ABOUT = About(
    namespace="mlb",
    job="load",
    dataset="employees",
    run_id="load.scheduled-2023-10-02.1",
    started_at=AT,
    delivery_date=DAY,
    contract_version="1.0.0",
    owner="team:data_engineer",
    spark_version="4.1.4",
    source_url="https://git.example.org/club/platform?private_token=hidden",
    revision="0123abc",
    parent=f"mlb/mlb_employee_data_pipeline.load_processed_data/{UUID}",
    root=f"mlb/mlb_employee_data_pipeline/{UUID}",
)


def as_json(event: object) -> dict:
    """The event as it is sent, after a look at its form."""
    told = json.loads(Serde.to_json(event))
    check_event(told)
    return told


def end_of(contract: Contract, **changes: object) -> Ended:
    staging, silver = Place("s3a://club/lake/staging/employees"), Place("s3a://club/lake/silver/employees")
    sources = column_lineage(contract)["silver/employees"]
    written = Told(
        silver,
        "7",
        "Silver.",
        [("salary", "decimal(14,2)", None)],
        sources,
        staging,
        Written(3, Files(1, 2048)),
    )
    return Ended(AT, 0, inputs=[Told(staging, "4", rows=3)], outputs=[written], **changes)  # pyright: ignore


def test_a_run_is_told_twice_under_one_id(contract: Contract) -> None:
    first, last = as_json(events.started(ABOUT)), as_json(events.ended(ABOUT, end_of(contract)))
    assert (first["eventType"], last["eventType"]) == ("START", "COMPLETE")
    assert first["run"]["runId"] == last["run"]["runId"]
    assert first["job"]["namespace"] == "mlb" and first["job"]["name"] == "employees.load"
    again = replace(ABOUT, started_at=AT + dt.timedelta(seconds=1))
    assert as_json(events.started(again))["run"]["runId"] != first["run"]["runId"]


def test_its_facets_say_when_by_whom_and_from_where(contract: Contract) -> None:
    event = as_json(
        events.ended(ABOUT, end_of(contract, parameters={"seasons": "2014", "reason": "case 17"}))
    )
    run, job = event["run"]["facets"], event["job"]["facets"]
    assert run["nominalTime"]["nominalStartTime"] == "2023-10-01T00:00:00+00:00"
    assert run["parent"]["job"] == {
        "namespace": "mlb",
        "name": "mlb_employee_data_pipeline.load_processed_data",
        "facets": {},
    }
    assert run["parent"]["root"]["job"]["name"] == "mlb_employee_data_pipeline"
    told = {each["key"]: each["value"] for each in run["executionParameters"]["parameters"]}
    assert told["seasons"] == "2014" and "reason" not in told, "what a person typed is the ledger's"
    assert job["ownership"]["owners"] == [{"name": "team:data_engineer", "type": "MAINTAINER"}]
    assert job["sourceCodeLocation"]["url"] == "https://git.example.org/club/platform"
    assert job["sourceCodeLocation"]["version"] == "0123abc"


def test_datasets_are_named_as_others_name_them(contract: Contract) -> None:
    event = as_json(events.ended(ABOUT, end_of(contract)))
    (read,), (written,) = event["inputs"], event["outputs"]
    assert (read["namespace"], read["name"]) == ("s3://club", "lake/staging/employees")
    assert read["facets"]["version"]["datasetVersion"] == "4"
    assert read["inputFacets"]["inputStatistics"]["rowCount"] == 3
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 3
    (source,) = written["facets"]["columnLineage"]["fields"]["salary"]["inputFields"]
    assert (source["namespace"], source["name"], source["field"]) == (
        "s3://club",
        "lake/staging/employees",
        "salary",
    )


@pytest.mark.parametrize(
    ("address", "namespace", "name"),
    [
        ("/data/lake/gold/x", "file", "/data/lake/gold/x"),
        ("s3a://club/lake/gold/x", "s3://club", "lake/gold/x"),
        ("s3a://key:secret@club/lake/gold/x?token=secret", "s3://club", "lake/gold/x"),
        ("abfss://container@store/lake", "abfss://store", "lake"),
    ],
)
def test_a_place_is_named_without_secrets(address: str, namespace: str, name: str) -> None:
    assert (Place(address).namespace, Place(address).name) == (namespace, name)


def test_a_failure_is_told_without_what_addresses_hide(contract: Contract) -> None:
    sentence = "There is no delivery: the folder s3a://key:hidden@club/landing?sig=hidden, does not exist."
    event = as_json(events.ended(ABOUT, Ended(AT, 1, sentence)))
    assert event["eventType"] == "FAIL"
    message = event["run"]["facets"]["errorMessage"]["message"]
    assert message == "There is no delivery: the folder s3a://club/landing, does not exist."
    assert as_json(events.ended(ABOUT, Ended(AT, 143, "Stopped by SIGTERM.")))["eventType"] == "ABORT"


def test_a_parent_that_is_none_is_left_out() -> None:
    for parent in ("mlb/dag.task", "mlb/dag.task/no-uuid", "", UUID):
        assert "parent" not in as_json(events.started(replace(ABOUT, parent=parent)))["run"]["facets"]


def test_the_schema_refuses_what_the_classes_let_pass(contract: Contract) -> None:
    good = as_json(events.ended(ABOUT, end_of(contract)))
    version = good["inputs"][0]["facets"]["version"]
    for broken in ({"datasetVersion": 4}, {"datasetVersion": None}, {"_schemaURL": "x"}):
        bad = json.loads(json.dumps(good))
        bad["inputs"][0]["facets"]["version"] = {**version, **broken}
        with pytest.raises((jsonschema.ValidationError, AssertionError)):
            check_event(bad)
    for name, value in (("eventType", "ENDED"), ("eventTime", "yesterday"), ("producer", "nobody")):
        with pytest.raises(jsonschema.ValidationError):
            check_event({**good, name: value})
    with pytest.raises(AssertionError, match="is no RunFacet"):
        check_event(
            {**good, "run": {**good["run"], "facets": {"parentRun": good["run"]["facets"]["parent"]}}}
        )
