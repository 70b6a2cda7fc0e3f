"""The operator that runs one job of the Spark image as a pod, and waits for it deferred."""

import re
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NoReturn

import yaml
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value
from airflow.providers.cncf.kubernetes.triggers.pod import KubernetesPodTrigger
from airflow.providers.cncf.kubernetes.utils.pod_manager import OnFinishAction
from airflow.triggers.base import BaseTrigger
from kubernetes.client import ApiException, V1EnvVar

from mlb_airflow.alerts import Alert, send
from mlb_airflow.ending import CONTAINER, Ending, ending_of
from mlb_airflow.failures import Failure, fail, failures_kept, look_at, rows_refused
from mlb_airflow.parents import parents_of
from mlb_airflow.settings import Settings
from mlb_airflow.sla import SlaClock
from mlb_airflow.triggers import SLA_DUE, SparkJobTrigger

DATE_LABEL = "mlb/delivery-date"
RUN_LABEL = "mlb/run-id"
JOB_LABEL = "mlb/job"
LOG_ANNOTATION = "mlb/airflow-log"
POOL = "spark_jobs"
_RESULT = "return_value"
_NO_LABEL = re.compile(r"[^A-Za-z0-9._-]+")


class SparkJobOperator(KubernetesPodOperator):
    """Runs a job as the pod that the chart spark-jobs has a template for, and takes its result from it.

    job: which template, `<job>.yaml` in the ConfigMap `<release>-pod-templates`: image, resources, security
        and arguments are the chart's.
    delivery_date: YYYY-MM-DD, for the label from which the pod's arguments take it; empty for jobs without.
    options: more arguments, by option. A text is rendered, and an empty one leaves its option out; True is
        an option without a value.
    alone: refuse to start while another job's pod is there.
    sla: the task may take so long from its first start, retries included; then one alert, and it goes on.

    The pod's name and the task's labels do not change with a try, so a task that is started again after
    its worker died finds the pod that is running. Its own run id (label mlb/run-id) does: the ledger has
    a row a try. The job's result (its termination message) is the task's XCom `return_value`. The task
    succeeds only where that says so. A job that fails leaves its sentence as the task's error (JobFailed;
    JobFailedForGood for exit codes 2 and 3, which no retry changes), and as XCom `failure`. Ended pods
    stay for kubectl; mlb_employee_maintenance removes them."""

    template_fields: Sequence[str] = (
        "job",
        "delivery_date",
        "options",
        *KubernetesPodOperator.template_fields,
    )
    ui_color = "#f6e6c8"

    def __init__(
        self,
        *,
        job: str,
        settings: Settings,
        delivery_date: str = "",
        options: Mapping[str, str | bool] | None = None,
        alone: bool = False,
        **kwargs: Any,
    ) -> None:
        arguments = {
            "namespace": settings.spark_namespace,
            "kubernetes_conn_id": None,
            "in_cluster": True,
            "pool": POOL,
            "execution_timeout": settings.task_timeout,
            # A node may have to be added first, and the image pulled.
            "startup_timeout_seconds": 900,
            # Else a time-out makes the worker follow the log of a pod that runs on, for ever.
            "logging_interval": 30,
            "poll_interval": 5,
        }
        super().__init__(
            **{**arguments, **kwargs},
            deferrable=True,
            durable=True,
            do_xcom_push=False,
            random_name_suffix=True,
            on_finish_action=OnFinishAction.KEEP_POD.value,
            # The pod's environment must not get into the error, and so not into logs and alerts.
            log_pod_spec_on_failure=False,
            # The triggerer would need a right to watch events for it; a failure tells of them.
            log_events_on_startup=False,
            # The parent's default would win over the template's.
            termination_message_policy="FallbackToLogsOnError",
            base_container_name=CONTAINER,
        )
        self.job = job
        self.settings = settings
        self.delivery_date = delivery_date
        self.options = dict(options or {})
        self.alone = alone
        self._sla: SlaClock | None = None
        self._ending: Ending | None = None

    # The pod

    def build_pod_request_obj(self, context: Any = None, *, dry_run: bool = False) -> Any:
        """The pod: the chart's template, a name, labels, and the arguments that this task adds."""
        template = self._template()
        given = template["spec"]["containers"][0].get("args") or []
        self.arguments = [*given, *self._more_arguments()]
        self.pod_template_dict = template
        parts = (self.settings.spark_release, self.job, self.delivery_date)
        self.name = self._set_name("-".join(part for part in parts if part))
        self.labels = {DATE_LABEL: self.delivery_date} if self.delivery_date else {}
        pod: Any = super().build_pod_request_obj(context, dry_run=dry_run)
        # Not in self.labels: those are what a restarted task looks for its pod by.
        pod.metadata.labels[RUN_LABEL] = self._run_id(context)
        if context:
            parents = [V1EnvVar(name=n, value=v) for n, v in parents_of(context["ti"]).items()]
            pod.spec.containers[0].env = [*(pod.spec.containers[0].env or []), *parents]
            # For people who look at the pod, and for dashboards: where its task's log is.
            log = {LOG_ANNOTATION: context["ti"].log_url}
            pod.metadata.annotations = {**(pod.metadata.annotations or {}), **log}
        pod.metadata.generate_name = None
        return pod

    def _template(self) -> dict[str, Any]:
        if self.pod_template_dict:
            return self.pod_template_dict
        name, namespace = self.settings.pod_templates, self.settings.spark_namespace
        try:
            found: Any = self.client.read_namespaced_config_map(name, namespace)
        except ApiException as error:
            if error.status != 404:
                raise
            fail(
                self._failure(
                    f"There is no ConfigMap {name} in the namespace {namespace}: install the chart "
                    "spark-jobs there, or set MLB_SPARK_NAMESPACE and MLB_SPARK_RELEASE to where it is.",
                    is_final=True,
                )
            )
        templates = found.data or {}
        if f"{self.job}.yaml" not in templates:
            known = ", ".join(sorted(each.removesuffix(".yaml") for each in templates))
            fail(
                self._failure(
                    f"The chart spark-jobs has no job {self.job!r}, only {known}: add it to its `jobs`.",
                    is_final=True,
                )
            )
        return yaml.safe_load(templates[f"{self.job}.yaml"])

    def _more_arguments(self) -> list[str]:
        arguments = []
        for option, value in self.options.items():
            if value is True:
                arguments.append(option)
            elif value and str(value).strip():
                arguments += [option, str(value).strip()]
        return arguments

    def _run_id(self, context: Any) -> str:
        if not context:
            return "dry-run"
        text = f"{self.task_id}.{context['run_id']}.{context['ti'].try_number}"
        return make_safe_label_value(_NO_LABEL.sub("-", text))

    # The task

    def execute(self, context: Any) -> Any:
        """Start the pod, or find the one that runs already, and defer until it has ended."""
        with failures_kept(context, self.delivery_date):
            self._start_clock(context)
            if self.alone:
                self._refuse_company(context)
            return super().execute(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Go on after a deferral: the pod has ended, the SLA is due, or the trigger has failed."""
        with failures_kept(context, self.delivery_date):
            self._start_clock(context)
            return super().resume_execution(next_method, next_kwargs, context)

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> Any:
        """What the trigger has seen: the SLA is due (tell, and wait again), or the pod has ended."""
        if self._sla and self._sla.is_breached(time.time()):
            self._tell_breach(context, event["name"])
        if event["status"] == SLA_DUE:
            self.pod = self._pod_of(event)
            self.invoke_defer_method(last_log_time=event.get("last_log_time"), context=context)
            return None
        self._pod_of(event)
        super().trigger_reentry(context, event)
        if self._ending is None:
            self._fail_without_pod(event["name"])
        return None

    def defer(
        self,
        *,
        trigger: BaseTrigger,
        method_name: str,
        kwargs: dict[str, Any] | None = None,
        timeout: timedelta | int | float | None = None,
    ) -> NoReturn:
        """Defer until the pod has ended or the SLA is due."""
        if isinstance(trigger, KubernetesPodTrigger):
            trigger = SparkJobTrigger.around(trigger, self._sla.due if self._sla else None)
        super().defer(trigger=trigger, method_name=method_name, kwargs=kwargs, timeout=timeout)

    def cleanup(self, pod: Any, remote_pod: Any, xcom_result: Any = None, context: Any = None) -> None:
        """Take the result of a pod that has ended, or fail with why there is none; the pod stays."""
        if self._killed or not remote_pod:
            return
        self._ending = ending = ending_of(remote_pod, self._events(remote_pod))
        # A retry makes a pod of its own.
        self.patch_already_checked(remote_pod, reraise=False)
        if ending.is_active:
            # It would run beside the retry's.
            self.pod_manager.delete_pod(remote_pod)
        if not ending.succeeded:
            fail(
                self._failure(
                    ending.sentence,
                    pod=ending.pod,
                    is_final=ending.is_final,
                    exit_code=ending.exit_code,
                    reason=ending.reason,
                    rows_refused=rows_refused(ending.result),
                )
            )
        if context:
            context["ti"].xcom_push(key=_RESULT, value=ending.result)

    def _start_clock(self, context: Any) -> None:
        store, ti = context.get("task_state_store"), context["ti"]
        if store is not None:
            self._sla = SlaClock(store, self.settings.sla, ti.start_date, ti.max_tries)

    def _tell_breach(self, context: Any, pod: str) -> None:
        assert self._sla
        ti = context["ti"]
        alert = Alert(
            kind="sla",
            dag_id=ti.dag_id,
            task_id=ti.task_id,
            run_id=ti.run_id,
            delivery_date=self.delivery_date,
            attempt=str(ti.try_number),
            what=(
                f"The task has taken longer than {self.settings.sla} since its first start at "
                f"{self._sla.since:%Y-%m-%d %H:%M:%S} UTC. It goes on."
            ),
            look=look_at(pod, self.settings),
            link=ti.log_url,
        )
        try:
            send(alert, self.settings, context)
        except Exception:
            # The job is more important than the news of it.
            self.log.exception("The alert did not go out: it is tried again.")
            self._sla.not_told(time.time())
        else:
            self._sla.told()

    def _pod_of(self, event: dict[str, Any]) -> Any:
        try:
            return self.hook.get_pod(event["name"], event["namespace"])
        except ApiException as error:
            if error.status != 404:
                raise
        self._fail_without_pod(event["name"])

    def _fail_without_pod(self, name: str) -> NoReturn:
        fail(
            self._failure(
                f"The pod {name} is gone, and with it the job's result: somebody deleted it, or its node "
                "went away. The job may be run again at any time."
            )
        )

    def _refuse_company(self, context: Any) -> None:
        others = self._pods(f"{JOB_LABEL},app.kubernetes.io/component=driver")
        ours = self._own_pods(context)
        active = [
            pod.metadata.name
            for pod in others
            if pod.status.phase in ("Pending", "Running") and pod.metadata.name not in ours
        ]
        if active:
            fail(
                self._failure(
                    f"{self.job} must be alone, and {', '.join(sorted(active))} is running: pause "
                    "mlb_employee_data_pipeline, wait for its end, and clear this task."
                )
            )

    def _own_pods(self, context: Any) -> set[str]:
        """The pods of this very task, which a restarted one goes on with."""
        return {pod.metadata.name for pod in self._pods(self._build_find_pod_label_selector(context))}

    def _pods(self, selector: str) -> list[Any]:
        found: Any = self.client.list_namespaced_pod(self.settings.spark_namespace, label_selector=selector)
        return found.items

    def _events(self, pod: Any) -> str:
        """The newest warning about a pod that has not started, as Kubernetes says it."""
        if pod.status.phase != "Pending":
            return ""
        events: Any = self.pod_manager.read_pod_events(pod)
        warnings = [each for each in events.items if each.type == "Warning"]
        return f"{warnings[-1].reason}: {warnings[-1].message}" if warnings else ""

    def _failure(self, sentence: str, **values: Any) -> Failure:
        return Failure(sentence=sentence, delivery_date=self.delivery_date, **values)
