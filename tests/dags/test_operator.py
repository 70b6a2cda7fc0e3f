"""SparkJobOperator against a Kubernetes API: its pod, its waiting, and how it ends."""

import datetime as dt
import json
from typing import Any

import kubernetes_validate
import pytest
import yaml
from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from airflow.sdk.exceptions import AirflowException, TaskDeferred
from kubernetes.client import ApiClient

from mlb_airflow.failures import JobFailed, JobFailedForGood
from mlb_airflow.operators import SparkJobOperator
from mlb_airflow.pods import remove_ended_pods
from mlb_airflow.settings import Settings
from mlb_airflow.triggers import SparkJobTrigger
from tests.dags.inbox import Inbox
from tests.dags.kube_api import KubeApi
from tests.dags.task_run import TaskStore, context_of

DAY = "2023-10-01"
SUCCEEDED = {
    "job": "etl",
    "delivery_date": DAY,
    "outcome": "succeeded",
    "exit_code": 0,
    "rows": {"staged": 9},
}
REFUSED = {
    "job": "etl",
    "outcome": "failed",
    "exit_code": 3,
    "error": "412 of 900 rows of the delivery are refused, more than 20 %.",
    "rows": {"quarantined": 412},
}


def task_of(
    kube: KubeApi, job: str = "etl", settings: Settings | None = None, **values: Any
) -> SparkJobOperator:
    return SparkJobOperator(
        task_id=f"{job}_task",
        job=job,
        settings=settings or Settings(),
        in_cluster=False,
        config_file=str(kube.config_file),
        **{"delivery_date": DAY, **values},
    )


def deferral(task: SparkJobOperator, context: Any) -> TaskDeferred:
    """What the task waits for after it has started."""
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    return deferred.value


def resume(
    task: SparkJobOperator, context: Any, kube: KubeApi, status: str = "success", **more: Any
) -> None:
    """Go on as after an event of the trigger."""
    name = more.pop("name", None) or kube.pod["metadata"]["name"]
    event = {"status": status, "name": name, "namespace": "mlb", "message": status, **more}
    task.resume_execution("trigger_reentry", {"event": event}, context)


# The pod


@pytest.mark.parametrize(
    ("job", "options", "arguments"),
    [
        ("ingest", {}, ["ingest", "--date", "$(MLB_DELIVERY_DATE)"]),
        ("etl", {}, ["etl", "--date", "$(MLB_DELIVERY_DATE)"]),
        ("load", {}, ["load", "--date", "$(MLB_DELIVERY_DATE)"]),
        ("aggregate", {}, ["aggregate", "--date", "$(MLB_DELIVERY_DATE)"]),
        ("recover", {"--corrections": "", "--by": "ann"}, ["recover", "--by", "ann"]),
        (
            "reprocess",
            {"--bronze-version": "0", "--seasons": " ", "--dry-run": True},
            ["reprocess", "--bronze-version", "0", "--dry-run"],
        ),
        ("restore", {"--to-version": "12"}, ["restore", "--to-version", "12"]),
        ("maintain", {}, ["maintain"]),
        (
            "erase",
            {"--reason": "case 17"},
            ["erase", "--from-file", "/etc/mlb/input/employee-ids", "--reason", "case 17"],
        ),
    ],
)
def test_a_pod_is_the_charts_with_a_name_labels_and_arguments(
    kube: KubeApi, job: str, options: dict[str, str | bool], arguments: list[str]
) -> None:
    template = yaml.safe_load(kube.config_maps["spark-jobs-pod-templates"][f"{job}.yaml"])
    task = task_of(kube, job, options=options)
    pod: Any = ApiClient().sanitize_for_serialization(
        task.build_pod_request_obj(context_of(task, TaskStore()))
    )
    kubernetes_validate.validate(pod, "1.34", strict=True)
    assert pod["spec"]["containers"][0].pop("args") == arguments
    template["spec"]["containers"][0].pop("args")
    # All else is the chart's: image, resources, security, secrets, termination message.
    assert without_empty(pod["spec"]) == without_empty(template["spec"])
    labels = pod["metadata"]["labels"]
    assert labels.items() >= template["metadata"]["labels"].items()
    assert labels["mlb/delivery-date"] == DAY
    assert pod["metadata"]["name"].startswith(f"spark-jobs-{job}-{DAY}-")
    assert pod["metadata"]["namespace"] == "mlb"


def without_empty(value: Any) -> Any:
    """The same without what is empty, which is nothing to Kubernetes (but for an emptyDir)."""
    if isinstance(value, dict):
        kept = {name: without_empty(each) for name, each in value.items()}
        return {n: v for n, v in kept.items() if v not in (None, [], {}, "", False) or n == "emptyDir"}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


def test_a_job_without_a_delivery_has_no_such_label(kube: KubeApi) -> None:
    task = task_of(kube, "maintain", delivery_date="")
    deferral(task, context_of(task, TaskStore()))
    assert "mlb/delivery-date" not in kube.pod["metadata"]["labels"]
    assert kube.pod["metadata"]["name"].startswith("spark-jobs-maintain-")


def test_each_try_is_a_run_of_its_own_under_labels_that_stay(kube: KubeApi) -> None:
    pods = []
    for number in (1, 2):
        task, store = task_of(kube), TaskStore()
        context = context_of(task, store, try_number=number)
        deferral(task, context)
        metadata = kube.pods.popitem()[1]["metadata"]
        # Dashboards lead from a pod to the log of its own try.
        assert metadata["annotations"]["mlb/airflow-log"] == context["ti"].log_url
        pods.append(metadata["labels"])
    first, second = pods
    differing = {name for name in first if first[name] != second[name]}
    assert differing == {"mlb/run-id", "try_number"}
    assert first["mlb/run-id"] == "etl_task.scheduled__2023-10-02T00-00-00-00-00.1"


def test_a_template_that_is_not_there_is_named(kube: KubeApi) -> None:
    task = task_of(kube, "elt")
    with pytest.raises(JobFailedForGood, match="has no job 'elt', only aggregate, erase, etl"):
        task.execute(context_of(task, TaskStore()))
    kube.config_maps.clear()
    task = task_of(kube)
    with pytest.raises(
        JobFailedForGood, match="no ConfigMap spark-jobs-pod-templates in the namespace mlb"
    ):
        task.execute(context_of(task, TaskStore()))


# Waiting


def test_it_waits_deferred_with_a_trigger_that_any_triggerer_can_make(kube: KubeApi) -> None:
    task = task_of(kube)
    deferred = deferral(task, context_of(task, TaskStore()))
    path, arguments = deferred.trigger.serialize()
    assert path == "mlb_airflow.triggers.SparkJobTrigger"
    assert SparkJobTrigger(**arguments).serialize() == (path, arguments)
    assert arguments["pod_name"] == kube.pod["metadata"]["name"]


def test_a_task_that_starts_again_finds_its_pod(kube: KubeApi) -> None:
    store = TaskStore()
    task = task_of(kube)
    deferral(task, context_of(task, store))
    kube.running()
    name = kube.pod["metadata"]["name"]
    # The worker died: a new one, with the next try's number.
    again = task_of(kube)
    deferred = deferral(again, context_of(again, store, try_number=2))
    assert list(kube.pods) == [name]
    assert deferred.trigger.serialize()[1]["pod_name"] == name


def test_a_pod_that_has_succeeded_meanwhile_is_not_run_again(kube: KubeApi) -> None:
    store = TaskStore()
    task = task_of(kube)
    deferral(task, context_of(task, store))
    kube.ended(0, SUCCEEDED)
    again = task_of(kube)
    context = context_of(again, store, try_number=2)
    again.execute(context)
    assert len(kube.pods) == 1 and context["ti"].pushed["return_value"] == SUCCEEDED


def test_erasing_refuses_company(kube: KubeApi) -> None:
    other = task_of(kube, "load")
    deferral(other, context_of(other, TaskStore()))
    kube.running()
    task = task_of(kube, "erase", alone=True)
    with pytest.raises(JobFailed, match="erase must be alone, and spark-jobs-load-2023-10-01-"):
        task.execute(context_of(task, TaskStore()))
    kube.ended(0, SUCCEEDED)
    deferral(task_of(kube, "erase", alone=True), context_of(task, TaskStore()))


# The end


def test_success_is_what_the_job_says_and_its_result_is_seen(kube: KubeApi) -> None:
    task, store = task_of(kube), TaskStore()
    context = context_of(task, store)
    deferral(task, context)
    kube.ended(0, SUCCEEDED)
    resume(task, context, kube)
    assert context["ti"].pushed["return_value"] == SUCCEEDED
    assert kube.pod["metadata"]["labels"]["already_checked"] == "True", "it stays, and is not taken again"


@pytest.mark.parametrize("message", ["", "no JSON", {"outcome": "failed"}, {"outcome": "stopped"}, "[]"])
def test_an_exit_code_of_0_alone_is_no_success(kube: KubeApi, message: Any) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore())
    deferral(task, context)
    kube.ended(0, message)
    with pytest.raises(JobFailed, match="left no result that says it has succeeded"):
        resume(task, context, kube)
    assert "return_value" not in context["ti"].pushed


def test_a_result_of_success_is_none_where_the_process_failed_afterwards(kube: KubeApi) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore())
    deferral(task, context)
    kube.ended(1, SUCCEEDED)
    with pytest.raises(JobFailed, match="exit code 1"):
        resume(task, context, kube, "failed")
    assert "return_value" not in context["ti"].pushed


@pytest.mark.parametrize("status", ["success", "failed", "error"])
def test_a_pod_that_is_gone_is_no_success(kube: KubeApi, status: str) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore())
    deferral(task, context)
    (name,) = kube.pods
    kube.pods.clear()
    with pytest.raises(JobFailed, match=f"The pod {name} is gone, and with it the job's result"):
        resume(task, context, kube, status, name=name)


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_a_pod_that_goes_while_its_result_is_read_is_no_success(kube: KubeApi, looks: int) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore())
    deferral(task, context)
    kube.ended(0, SUCCEEDED)
    kube.looks_left = looks
    with pytest.raises(JobFailed, match="is gone, and with it the job's result"):
        resume(task, context, kube)


def test_bad_data_fails_at_once_and_leaves_what_the_alert_needs(kube: KubeApi) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore(), try_number=2)
    deferral(task, context)
    kube.ended(3, REFUSED)
    with pytest.raises(JobFailedForGood) as failed:
        resume(task, context, kube, "failed")
    assert str(failed.value) == REFUSED["error"]
    assert context["ti"].pushed["failure"] == {
        "sentence": REFUSED["error"],
        "attempt": 2,
        "is_final": True,
        "delivery_date": DAY,
        "pod": kube.pod["metadata"]["name"],
        "exit_code": 3,
        "reason": "Error",
        "rows_refused": 412,
        "link": context["ti"].log_url,
    }


@pytest.mark.parametrize(("exit_code", "error"), [(1, JobFailed), (2, JobFailedForGood), (143, JobFailed)])
def test_only_what_a_retry_may_change_is_tried_again(
    kube: KubeApi, exit_code: int, error: type[AirflowException]
) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore())
    deferral(task, context)
    kube.ended(exit_code, {"outcome": "failed", "exit_code": exit_code, "error": "Something went wrong."})
    with pytest.raises(error) as failed:
        resume(task, context, kube, "failed")
    assert type(failed.value) is error
    assert len(kube.pods) == 1 and not kube.deleted, "a failed pod stays for kubectl"
    # The retry makes a pod of its own.
    again = task_of(kube)
    deferral(again, context_of(again, TaskStore(context["task_state_store"]), try_number=2))
    assert len(kube.pods) == 2


def test_the_kernels_reason_comes_before_the_jobs(kube: KubeApi) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore())
    deferral(task, context)
    kube.ended(137, "the end of a log", reason="OOMKilled")
    with pytest.raises(
        JobFailed, match=r"more memory than its pod may \(2Gi\) and was killed \(OOMKilled\)"
    ):
        resume(task, context, kube, "failed")
    assert context["ti"].pushed["failure"]["reason"] == "OOMKilled"


def test_an_evicted_pod_says_so(kube: KubeApi) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore())
    deferral(task, context)
    kube.pod["status"] = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."}
    with pytest.raises(JobFailed, match=r"ended by Kubernetes: Evicted\. The node was low on memory\."):
        resume(task, context, kube, "failed")


def test_a_pod_without_its_image_says_so_and_goes(kube: KubeApi) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore())
    deferral(task, context)
    kube.running()
    kube.pod["status"]["phase"] = "Pending"
    waiting = {"reason": "ErrImageNeverPull", "message": "Container image is not present"}
    kube.pod["status"]["containerStatuses"][0]["state"] = {"waiting": waiting}
    (name,) = kube.pods
    with pytest.raises(JobFailed, match="did not start: ErrImageNeverPull: Container image is not present"):
        resume(task, context, kube, "error")
    assert kube.deleted == [name], "else it could start beside the retry's"


def test_a_pod_that_no_node_takes_says_so(kube: KubeApi) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore())
    deferral(task, context)
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes",
    }
    kube.pod["status"]["conditions"] = [condition]
    with pytest.raises(JobFailed, match=r"found no node \(Unschedulable\): 0/3 nodes"):
        resume(task, context, kube, "timeout")


def test_a_try_that_takes_too_long_is_stopped(kube: KubeApi) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore())
    deferral(task, context)
    kube.running()
    (name,) = kube.pods
    with pytest.raises(JobFailed, match="ran longer than a try of the task may, and was deleted"):
        resume(task, context, kube, "timeout")
    assert kube.deleted == [name]


def test_a_quota_without_room_is_told_as_such(kube: KubeApi) -> None:
    kube.refuse_pods = "pods is forbidden: exceeded quota: spark-jobs, requested: limits.memory=2Gi"
    task = task_of(kube)
    context = context_of(task, TaskStore())
    with pytest.raises(JobFailed, match=r"quota has no room for the job's pod: .* exceeded quota"):
        task.execute(context)
    assert "resourceQuota.hard" in context["ti"].pushed["failure"]["sentence"]


def test_no_error_holds_the_pods_environment(kube: KubeApi) -> None:
    task = task_of(kube)
    context = context_of(task, TaskStore())
    deferral(task, context)
    kube.ended(1, {"outcome": "failed", "error": "No."})
    with pytest.raises(JobFailed) as failed:
        resume(task, context, kube, "failed")
    assert str(failed.value) == "No."


# The SLA


def ago(**time: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(**time)


def with_sla(topic: str, **time: float) -> Settings:
    return Settings(sla=dt.timedelta(**time), alerts_topic_arn=topic)


def test_the_trigger_wakes_when_the_sla_is_due_from_the_first_start_on(kube: KubeApi) -> None:
    store, first = TaskStore(), ago(hours=1)
    for number, started in ((1, first), (2, ago(minutes=1))):
        task = task_of(kube)
        deferred = deferral(task, context_of(task, store, number, started))
        assert deferred.trigger.serialize()[1]["sla_due"] == (first + dt.timedelta(hours=2)).timestamp()


def test_a_task_that_was_cleared_has_its_time_again(kube: KubeApi) -> None:
    store, now = TaskStore(), ago()
    for started, max_tries in ((ago(days=3), 3), (now, 5)):
        task = task_of(kube)
        deferred = deferral(task, context_of(task, store, 1, started, max_tries))
    assert deferred.trigger.serialize()[1]["sla_due"] == (now + dt.timedelta(hours=2)).timestamp()


def test_a_breach_is_told_once_and_the_task_goes_on(kube: KubeApi, inbox: Inbox) -> None:
    settings, store = with_sla(inbox.topic, seconds=1), TaskStore()
    task = task_of(kube, settings=settings)
    context = context_of(task, store, started=ago(seconds=2))
    deferral(task, context)
    kube.running()
    with pytest.raises(TaskDeferred) as deferred:
        resume(task, context, kube, "sla")
    (told,) = inbox.read()
    assert json.loads(told)["Subject"] == (
        "SLA BREACHED: mlb_employee_data_pipeline.etl_task delivery 2023-10-01"
    )
    assert "has taken longer than 0:00:01 since its first start" in json.loads(told)["Message"]
    assert deferred.value.trigger.serialize()[1]["sla_due"] is None
    # Another worker, after everything has been restarted; and a retry.
    for number in (1, 2):
        again = task_of(kube, settings=settings)
        later = context_of(again, store, number)
        assert deferral(again, later).trigger.serialize()[1]["sla_due"] is None
    kube.ended(0, SUCCEEDED)
    resume(again, later, kube)
    assert later["ti"].pushed["return_value"] == SUCCEEDED
    assert inbox.read() == []


def test_a_breach_that_the_triggerer_has_slept_through_is_told_at_the_end(
    kube: KubeApi, inbox: Inbox
) -> None:
    task = task_of(kube, settings=with_sla(inbox.topic, seconds=1))
    context = context_of(task, TaskStore(), started=ago(seconds=5))
    deferral(task, context)
    kube.ended(0, SUCCEEDED)
    resume(task, context, kube)
    assert len(inbox.read()) == 1


def test_a_breach_that_cannot_be_told_neither_fails_the_task_nor_is_lost(
    kube: KubeApi, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(kube, settings=with_sla(inbox.topic, seconds=1))
    context = context_of(task, TaskStore(), started=ago(seconds=2))
    deferral(task, context)
    kube.running()
    task.settings = with_sla("arn:aws:sns:us-east-1:123456789012:no-such-topic", seconds=1)
    with pytest.raises(TaskDeferred) as deferred:
        resume(task, context, kube, "sla")
    again_in = deferred.value.trigger.serialize()[1]["sla_due"] - dt.datetime.now().timestamp()
    assert 290 < again_in <= 300


# Afterwards


def test_ended_pods_go_after_a_week(kube: KubeApi) -> None:
    task = task_of(kube)
    deferral(task, context_of(task, TaskStore()))
    kube.ended(0, SUCCEEDED)
    (old,) = kube.pods
    running = task_of(kube, "load")
    deferral(running, context_of(running, TaskStore()))
    client = KubernetesHook(
        conn_id=None, config_file=str(kube.config_file), in_cluster=False
    ).core_v1_client
    ended = dt.datetime(2023, 10, 2, 0, 30, tzinfo=dt.UTC)
    assert remove_ended_pods(client, "mlb", ended + dt.timedelta(days=7)) == []
    assert remove_ended_pods(client, "mlb", ended + dt.timedelta(days=7, seconds=1)) == [old]
    assert len(kube.pods) == 1
