"""Where Spark runs is a setting: what Spark is told where the executors are pods."""

import pytest

from spark_jobs.errors import UsageError
from spark_jobs.lake.kubernetes import kubernetes_configuration
from spark_jobs.settings import Settings


def settings(**changes) -> Settings:
    given = {
        "master": "k8s://https://kubernetes.default.svc",
        "lake": "s3a://bucket/lake",
        "landing": "s3a://bucket/landing",
        "executor_image": "mlb/spark-jobs:dev",
        "executor_service_account": "executor",
        "namespace": "jobs",
        "pod_name": "etl-1",
        "pod_ip": "10.0.0.7",
    }
    return Settings(**{**given, **changes})


def test_the_drivers_pod_owns_executors_that_find_it() -> None:
    conf = kubernetes_configuration(settings())
    assert conf["spark.kubernetes.driver.pod.name"] == "etl-1"
    assert conf["spark.kubernetes.executor.podNamePrefix"] == "etl-1"
    assert (conf["spark.driver.host"], conf["spark.driver.bindAddress"]) == ("10.0.0.7", "0.0.0.0")
    assert (conf["spark.driver.port"], conf["spark.blockManager.port"]) == ("7078", "7079")
    assert conf["spark.kubernetes.authenticate.executor.serviceAccountName"] == "executor"


def test_executors_have_what_the_settings_say() -> None:
    conf = kubernetes_configuration(
        settings(
            executors=3,
            executor_memory="4g",
            executor_memory_overhead="2g",
            executor_cpu_request="500m",
            executor_labels={"mlb/job": "etl"},
        )
    )
    assert conf["spark.executor.instances"] == "3"
    assert conf["spark.executor.memory"] == "4g"
    assert conf["spark.executor.memoryOverhead"] == "2g"
    assert conf["spark.kubernetes.executor.request.cores"] == "500m"
    assert conf["spark.kubernetes.executor.label.mlb/job"] == "etl"
    assert conf["spark.decommission.enabled"] == "true"
    assert "spark.dynamicAllocation.enabled" not in conf
    assert "spark.kubernetes.executor.podTemplateFile" not in conf


def test_executors_grow_by_dynamic_allocation_only_where_asked() -> None:
    conf = kubernetes_configuration(settings(executors=1, executors_max=8))
    assert conf["spark.dynamicAllocation.enabled"] == "true"
    assert conf["spark.dynamicAllocation.shuffleTracking.enabled"] == "true"
    assert conf["spark.dynamicAllocation.minExecutors"] == "1"
    assert conf["spark.dynamicAllocation.maxExecutors"] == "8"


def test_a_long_name_of_a_pod_is_cut_and_stays_its_own() -> None:
    names = [f"mlb-employee-data-pipeline-aggregate-data-{'x' * 15}{n}" for n in range(2)]
    prefixes = {
        kubernetes_configuration(settings(pod_name=name))["spark.kubernetes.executor.podNamePrefix"]
        for name in names
    }
    assert len(prefixes) == 2 and all(len(prefix) <= 47 for prefix in prefixes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"executor_image": None}, "MLB_EXECUTOR_IMAGE"),
        ({"namespace": None}, "MLB_NAMESPACE"),
        ({"lake": "./lake"}, "MLB_LAKE is ./lake"),
        ({"landing": "/data"}, "MLB_LANDING is /data"),
        ({"executors": 4, "executors_max": 2}, "MLB_EXECUTORS_MAX is 2"),
    ],
)
def test_what_cannot_work_is_a_sentence(changes: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        kubernetes_configuration(settings(**changes))
