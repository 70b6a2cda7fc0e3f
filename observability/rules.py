"""The alert rules: when a person is told, how urgently, and which runbook says what to do.

Thresholds are written `@name@` in expressions and texts: the charts put their values in, the plain files
the defaults (`make dashboards` writes both). Names of metrics: `mlb_…` is metrics_exporter/catalogue.py's,
`airflow_…` files/statsd-mapping.yaml's of the chart, `kube_…` kube-state-metrics' (docs/observability.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

HOUR = 3600
#: Seconds since aggregate last succeeded after which a night was missed.
WITHOUT_SUCCESS = 26 * HOUR
#: Age of the newest day in Gold. Day D arrives when D is over, so just before the next night it is two
#: days old;
#: the pipeline waits six hours for a delivery.
STALE_AFTER = 54 * HOUR
#: Seconds that a job's pod may run; as pipeline.slaSeconds of helm/airflow.
SLA_SECONDS = 2 * HOUR
#: Share of refused rows; the jobs refuse a delivery whole above 20 %.
QUARANTINE_RATIO = 0.1
QUOTA_RATIO = 0.9

#: critical: the data is not there or not right, somebody gets up; warning: by the next working day.
Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Rule:
    """One alert. wait: how long its condition holds before it fires; page: its page in docs/runbooks."""

    name: str
    severity: Severity
    expr: str
    wait: str
    summary: str
    description: str
    page: str


@dataclass(frozen=True)
class Group:
    """Rules that one chart ships, and the defaults of the values that it puts in for `@name@`."""

    name: str
    chart: str
    rules: tuple[Rule, ...]
    defaults: Mapping[str, str] = field(default_factory=dict)

    def as_file(self) -> dict[str, Any]:
        """The group as Prometheus's rule file, with `@name@` left in."""
        return {"groups": [{"name": self.name, "rules": [_as_rule(rule) for rule in self.rules]}]}


def _as_rule(rule: Rule) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": " ".join(rule.expr.split()),
        "for": rule.wait,
        "labels": {"severity": rule.severity, "platform": "mlb-employee-data"},
        "annotations": {
            "summary": rule.summary,
            "description": " ".join(rule.description.split()),
            "runbook_url": f"@runbooks@/{rule.page}.md",
        },
    }


def _no_heartbeat(process: str, name: str, consequence: str) -> Rule:
    metric = f"airflow_{process}_heartbeat_total"
    return Rule(
        name=name,
        severity="critical",
        # absent: the exporter has been started anew since, and has heard nothing of it.
        expr=f"sum(increase({metric}[5m])) == 0 or absent({metric})",
        wait="5m",
        summary=f"Airflow's {process.replace('_', '-')} gives no sign of life",
        description=f"No heartbeat for ten minutes. {consequence}",
        page="alert-airflow",
    )


AIRFLOW = Group(
    name="mlb-airflow",
    chart="airflow",
    defaults={"runbooks": "docs/runbooks"},
    rules=(
        _no_heartbeat("scheduler", "MlbSchedulerDown", "Nothing is scheduled and no task starts."),
        _no_heartbeat("triggerer", "MlbTriggererDown", "Tasks whose pods have ended do not go on."),
        _no_heartbeat(
            "dag_processor",
            "MlbDagProcessorDown",
            "Changed DAGs are not seen; those that are known run on.",
        ),
        Rule(
            name="MlbDagImportErrors",
            severity="critical",
            expr="max(airflow_dag_import_errors) > 0",
            wait="10m",
            summary="{{ $value }} DAG files cannot be read",
            description="Airflow cannot read {{ $value }} of its DAG files, whose DAGs do not run.",
            page="alert-airflow",
        ),
        Rule(
            name="MlbAirflowMetricsLost",
            severity="warning",
            # The last part: a counter is born with its first error, of which `increase` sees nothing.
            expr="""
            sum by (namespace, pod, instance) (increase(statsd_exporter_udp_packet_drops_total[15m])) > 0
            or sum by (namespace, pod, instance) (increase(statsd_exporter_sample_errors_total[15m])) > 0
            or sum by (namespace, pod, instance) (
                statsd_exporter_sample_errors_total
                unless statsd_exporter_sample_errors_total offset 15m
              ) > 0
            """,
            wait="5m",
            summary="Airflow's metrics get lost in the StatsD exporter",
            description="The exporter {{ $labels.instance }} drops or misunderstands what Airflow sends: "
            "counts of "
            "tasks and runs are too low.",
            page="alert-exporters",
        ),
    ),
)

DATA = Group(
    name="mlb-data",
    chart="spark-jobs",
    rules=(
        Rule(
            name="MlbNoSuccessfulRun",
            severity="critical",
            # The second part: nothing has ever succeeded, a day after the exporter first read the lake.
            expr="""
            time() - max(mlb_last_success_timestamp_seconds{mlb_job="aggregate"})
              > @hoursWithoutSuccess@ * 3600
            or absent_over_time(
                mlb_last_success_timestamp_seconds{mlb_job="aggregate"}[@hoursWithoutSuccess@h]
              )
              and on () max(mlb_lake_up offset @hoursWithoutSuccess@h)
            """,
            wait="5m",
            summary="No run of the pipeline has succeeded for @hoursWithoutSuccess@ hours",
            description="aggregate has not succeeded for more than @hoursWithoutSuccess@ hours: last "
            "night's data "
            "is not in Gold.",
            page="alert-no-data",
        ),
        Rule(
            name="MlbGoldStale",
            severity="critical",
            expr="time() - max(mlb_gold_newest_delivery_timestamp_seconds) > @staleAfterHours@ * 3600",
            wait="15m",
            summary="The newest day in Gold is {{ $value | humanizeDuration }} old",
            description="Runs may succeed, yet no newer delivery has reached Gold: a day is missing, or "
            "only old "
            "days were run.",
            page="alert-no-data",
        ),
        Rule(
            name="MlbTaskOverSla",
            severity="warning",
            expr="""
            (time() - kube_pod_start_time{namespace="@namespace@"})
              * on (namespace, pod) group_left (label_mlb_job, label_mlb_delivery_date)
                max by (namespace, pod, label_mlb_job, label_mlb_delivery_date)
                  (kube_pod_labels{label_app_kubernetes_io_component="driver"})
              > @slaSeconds@
            and on (namespace, pod) kube_pod_status_phase{phase="Running"} == 1
            """,
            wait="1m",
            summary="{{ $labels.label_mlb_job }} has been running for {{ $value | humanizeDuration }}",
            description="A job's pod runs longer than its SLA of @slaSeconds@ s. It goes on. Look: "
            "kubectl -n "
            "{{ $labels.namespace }} logs {{ $labels.pod }} --tail=100",
            page="alert-slow-task",
        ),
        Rule(
            name="MlbQuarantineShareHigh",
            severity="warning",
            expr="max by (delivery) (mlb_delivery_quarantine_ratio) > @quarantineRatio@",
            wait="5m",
            summary="{{ $value | humanizePercentage }} of the delivery {{ $labels.delivery }} are refused",
            description="More rows of {{ $labels.delivery }} than usual wait in the quarantine. Look: "
            "spark-jobs "
            "quarantine list",
            page="alert-quarantine",
        ),
        Rule(
            name="MlbDeliveryUnusual",
            severity="warning",
            # For a day: it stays what it was, and a person has been told.
            expr="""
            max by (delivery) (mlb_delivery_unusual_figures) > 0
            unless on (delivery) max by (delivery) (mlb_delivery_unusual_figures offset 1d) > 0
            """,
            wait="0m",
            summary="The delivery {{ $labels.delivery }} is unlike those before it",
            description="It has far fewer or more good rows, or dollars, than usual. Very unlike, it waits "
            "for a person to let it pass; else it is loaded. Look: spark-jobs status",
            page="unusual-delivery",
        ),
        Rule(
            name="MlbConservationFailed",
            severity="critical",
            expr="""
            max by (mlb_job, delivery) (abs(mlb_delivery_conservation_difference_rows)) > 0
            or max by (mlb_job) (increase(mlb_conservation_failures_total[1d])) > 0
            """,
            wait="0m",
            summary="{{ $labels.mlb_job }} has lost or doubled rows",
            description="Rows that came in are not those that came out ({{ $labels.mlb_job }} "
            "{{ $labels.delivery }}). The run committed nothing; this is a defect of the program.",
            page="alert-conservation",
        ),
        Rule(
            name="MlbLakeNotRead",
            severity="warning",
            expr="mlb_lake_up == 0 or absent(mlb_lake_up)",
            wait="30m",
            summary="The metrics of the lake are not up to date",
            description="The exporter cannot read the ledger or the tables, or is not there: rules on the "
            "data "
            "are blind meanwhile.",
            page="alert-exporters",
        ),
    ),
    defaults={
        "runbooks": AIRFLOW.defaults["runbooks"],
        "namespace": "mlb",
        "hoursWithoutSuccess": str(WITHOUT_SUCCESS // HOUR),
        "staleAfterHours": str(STALE_AFTER // HOUR),
        "slaSeconds": str(SLA_SECONDS),
        "quarantineRatio": str(QUARANTINE_RATIO),
    },
)

_IN_BOTH = 'namespace=~"@namespace@|@airflowNamespace@"'
PODS = Group(
    name="mlb-pods",
    chart="spark-jobs",
    rules=(
        Rule(
            name="MlbPodOutOfMemory",
            severity="warning",
            # A job's pod that was killed stays for a week: told of in its first hour only. Others start
            # again.
            expr=f"""
            (
              kube_pod_container_status_terminated_reason{{reason="OOMKilled", {_IN_BOTH}}} == 1
              unless kube_pod_container_status_terminated_reason{{reason="OOMKilled"}} offset 1h == 1
            )
            or
            (
              kube_pod_container_status_last_terminated_reason{{reason="OOMKilled", {_IN_BOTH}}} == 1
              and on (namespace, pod, container) increase(kube_pod_container_status_restarts_total[1h]) > 0
            )
            """,
            wait="0m",
            summary="{{ $labels.pod }} was killed: it took more memory than its limit",
            description="The kernel killed the container {{ $labels.container }} of {{ $labels.namespace "
            "}}/"
            "{{ $labels.pod }}. Airflow tries a job again, and it will be killed again.",
            page="alert-pods",
        ),
        Rule(
            name="MlbPodPending",
            severity="warning",
            expr=f'kube_pod_status_phase{{phase="Pending", {_IN_BOTH}}} == 1',
            wait="15m",
            summary="{{ $labels.pod }} waits for a node or a volume",
            description="The pod {{ $labels.namespace }}/{{ $labels.pod }} does not start. Look: kubectl "
            "-n "
            "{{ $labels.namespace }} describe pod {{ $labels.pod }}",
            page="alert-pods",
        ),
        Rule(
            name="MlbImagePullFailed",
            severity="critical",
            expr=f"""
            kube_pod_container_status_waiting_reason{{
              reason=~"ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull", {_IN_BOTH}
            }} == 1
            """,
            wait="5m",
            summary="{{ $labels.pod }} cannot get its image",
            description="{{ $labels.reason }} for {{ $labels.container }} of {{ $labels.namespace }}/"
            "{{ $labels.pod }}: no job starts until the image is there.",
            page="alert-pods",
        ),
        Rule(
            name="MlbQuotaNearlyUsed",
            severity="warning",
            expr="""
            max by (namespace, resourcequota, resource)
              (kube_resourcequota{namespace="@namespace@", type="used"})
            / (max by (namespace, resourcequota, resource)
              (kube_resourcequota{namespace="@namespace@", type="hard"}) > 0)
            > @quotaRatio@
            """,
            wait="15m",
            summary="{{ $value | humanizePercentage }} of the quota of {{ $labels.resource }} are used",
            description="The next pod in {{ $labels.namespace }} may be refused ({{ $labels.resourcequota "
            "}}), "
            "and its task fails.",
            page="alert-pods",
        ),
    ),
    defaults={
        "runbooks": AIRFLOW.defaults["runbooks"],
        "namespace": "mlb",
        "airflowNamespace": "airflow",
        "quotaRatio": str(QUOTA_RATIO),
    },
)

GROUPS = (AIRFLOW, DATA, PODS)
