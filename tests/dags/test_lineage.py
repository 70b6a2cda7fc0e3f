"""Airflow's own lineage: a failing run of the pipeline, with the listener on, in a process of its own.

The listener is loaded when Airflow is first imported, so it is switched on by that process's environment.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from openlineage.client.event_v2 import Job, Run, RunEvent
from openlineage.client.facet_v2 import error_message_run

from mlb_airflow.lineage import FAILED, Bare

ROOT = Path(__file__).parents[2]
PIPELINE = "mlb_employee_data_pipeline"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The events of a day of bad data (tests/dags/test_whole_run.py), and the pods that it started."""
    folder = tmp_path_factory.mktemp("lineage")
    events, pods = folder / "events.jsonl", folder / "pods.json"
    transport = {
        "type": "transform",
        "transformer_class": "mlb_airflow.lineage.Bare",
        "transport": {"type": "file", "log_file_path": str(events), "append": True},
    }
    environment = {
        **os.environ,
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "mlb",
        "AIRFLOW__OPENLINEAGE__EXECUTE_IN_THREAD": "True",
        "TESTS_PODS": str(pods),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-c", "mlb_airflow/pyproject.toml", "--rootdir", "."]
    command += ["--confcutdir", "tests/dags", "tests/dags/test_whole_run.py", "-k", "bad_data"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in events.read_text().splitlines()], json.loads(pods.read_text())


def test_each_task_and_the_run_begin_and_end(told: Any) -> None:
    types = defaultdict(list)
    for event in told[0]:
        assert event["job"]["namespace"] == "mlb"
        types[event["job"]["name"]].append(event["eventType"])
    assert types[f"{PIPELINE}.ingest_raw_data"][0] == "START"
    assert types[f"{PIPELINE}.ingest_raw_data"][-1] == "COMPLETE"
    assert types[f"{PIPELINE}.etl_process"][0] == "START"
    assert types[f"{PIPELINE}.etl_process"][-1] == "FAIL"
    assert types[f"{PIPELINE}.notify_failure"][-1] == "COMPLETE"


def test_a_pod_is_told_of_its_task_by_the_name_that_the_task_goes_by(told: Any) -> None:
    events, pods = told
    runs = {f"mlb/{e['job']['name']}/{e['run']['runId']}": e for e in events}
    assert len(pods) == 2
    for pod in pods:
        env = {e["name"]: e.get("value") for e in pod["spec"]["containers"][0]["env"]}
        task = runs[env["OPENLINEAGE_PARENT_ID"]]
        parent = task["run"]["facets"]["parent"]
        root = f"mlb/{parent['job']['name']}/{parent['run']['runId']}"
        assert env["OPENLINEAGE_ROOT_PARENT_ID"] == root and parent["job"]["name"] == PIPELINE


def test_a_failure_says_no_more_than_that_it_is_one(told: Any) -> None:
    (failed,) = [e for e in told[0] if e["eventType"] == "FAIL" and "." in e["job"]["name"]]
    assert failed["run"]["facets"]["errorMessage"]["message"] == FAILED
    assert "rows refused" not in json.dumps(told[0]), "the job's sentence is for the job's own event"
    assert failed["run"]["facets"]["airflow"]["taskInstance"]["try_number"] == 1


def test_what_people_have_typed_stays_in_airflow() -> None:
    from airflow.providers.openlineage.plugins.facets import AirflowDagRunFacet

    facets: dict[str, Any] = {
        "airflowDagRun": AirflowDagRunFacet(
            dag={"dag_id": "d", "doc_md": "Jeter"},
            dagRun={
                "run_id": "r",
                "conf": {"reason": "Jeter"},
                "note": "Jeter",
                "triggering_user_name": "j",
            },
        ),
        "errorMessage": error_message_run.ErrorMessageRunFacet("Jeter", "python", "Jeter"),
        "unknownSourceAttribute": AirflowDagRunFacet(dag={"x": "Jeter"}, dagRun={}),
    }
    event = RunEvent(
        eventTime="2023-10-02T00:00:00Z",
        run=Run(runId="01890000-0000-7000-8000-000000000001", facets=facets),
        job=Job("mlb", "d"),
    )
    bare = Bare({}).transform(event)
    assert "Jeter" not in str(bare) and set(bare.run.facets) == {"airflowDagRun", "errorMessage"}
    assert bare.run.facets["airflowDagRun"].dagRun == {"run_id": "r"}
