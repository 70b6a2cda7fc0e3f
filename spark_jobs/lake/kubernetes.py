"""Where the master is `k8s://…`: Spark's configuration for executors that are pods.

Client mode: the driver is this process, in a pod of its own or beside the cluster. Its pod owns the
executors' pods, so that deleting it deletes them.
"""

import hashlib

from spark_jobs.errors import UsageError
from spark_jobs.settings import Settings

#: Spark makes pods' names out of the prefix and a number, within the 63 characters of a DNS label.
_LONGEST_PREFIX = 47
#: A node that goes away (a spot node, a drained one) hands its blocks to others first.
DECOMMISSION = {
    "spark.decommission.enabled": "true",
    "spark.storage.decommission.enabled": "true",
    "spark.storage.decommission.rddBlocks.enabled": "true",
    "spark.storage.decommission.shuffleBlocks.enabled": "true",
}
#: Without an external shuffle service an executor may only go when nobody needs its shuffle files.
DYNAMIC_ALLOCATION = {
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.shuffleTracking.enabled": "true",
    "spark.dynamicAllocation.executorIdleTimeout": "60s",
}
#: What Spark would make, or delete by label at the end, beside pods, and the jobs do not use: without it a
#: driver needs rights on pods only (helm/spark-jobs/templates/driver/rbac.yaml).
_NOTHING_BUT_PODS = {
    "spark.kubernetes.executor.disableConfigMap": "true",
    "spark.kubernetes.driver.service.deleteOnTermination": "false",
    "spark.kubernetes.driver.ownPersistentVolumeClaim": "false",
    "spark.kubernetes.driver.reusePersistentVolumeClaim": "false",
}
_NEEDED = ("executor_image", "namespace", "executor_service_account")


def kubernetes_configuration(settings: Settings) -> dict[str, str]:
    """Spark's configuration for the settings. Raises UsageError where they cannot work."""
    _check(settings)
    return {**_driver(settings), **_executors(settings), **_scaling(settings), **DECOMMISSION}


def _check(settings: Settings) -> None:
    for name in _NEEDED:
        if not getattr(settings, name):
            raise UsageError(
                f"Spark is to run on Kubernetes ({settings.master}), which needs MLB_{name.upper()}: "
                f"{Settings.model_fields[name].description}."
            )
    for name, place in (("MLB_LAKE", settings.lake), ("MLB_LANDING", settings.landing)):
        if "://" not in place:
            raise UsageError(
                f"{name} is {place}, a folder of the driver that executors on Kubernetes do not see: "
                "name a place that all of them reach, such as s3a://bucket/lake."
            )
    if settings.executors_max and settings.executors_max < settings.executors:
        raise UsageError(
            f"MLB_EXECUTORS_MAX is {settings.executors_max}, less than the {settings.executors} executors "
            "to start with (MLB_EXECUTORS)."
        )


def _driver(settings: Settings) -> dict[str, str]:
    driver = {
        "spark.driver.bindAddress": "0.0.0.0",
        # Fixed, so that a NetworkPolicy can name them.
        "spark.driver.port": str(settings.driver_port),
        "spark.driver.blockManager.port": str(settings.block_manager_port),
        "spark.blockManager.port": str(settings.block_manager_port),
    }
    if settings.pod_ip:
        driver["spark.driver.host"] = settings.pod_ip
    if settings.pod_name:
        driver["spark.kubernetes.driver.pod.name"] = settings.pod_name
        driver["spark.kubernetes.executor.podNamePrefix"] = _prefix(settings.pod_name)
    return driver


def _prefix(pod_name: str) -> str:
    """The driver's name; a long one is cut, and kept apart from others by a hash."""
    if len(pod_name) <= _LONGEST_PREFIX:
        return pod_name
    short = hashlib.sha256(pod_name.encode()).hexdigest()[:8]
    return f"{pod_name[: _LONGEST_PREFIX - 9].rstrip('-.')}-{short}"


def _executors(settings: Settings) -> dict[str, str]:
    pods = "spark.kubernetes.executor"
    executors = {
        "spark.kubernetes.namespace": settings.namespace,
        "spark.kubernetes.container.image": settings.executor_image,
        "spark.kubernetes.container.image.pullPolicy": settings.executor_image_pull_policy,
        # Spark would take the namespace's default account, which has no rights on S3.
        "spark.kubernetes.authenticate.executor.serviceAccountName": settings.executor_service_account,
        f"{pods}.podTemplateFile": settings.executor_pod_template,
        f"{pods}.request.cores": settings.executor_cpu_request,
        "spark.executor.cores": settings.executor_cores,
        "spark.executor.memory": settings.executor_memory,
        # Spark's default for Python applies where Spark itself starts the driver, which it does not.
        "spark.executor.memoryOverhead": settings.executor_memory_overhead,
        # Spark asks for pods once a second; at 100 ms it asked for more than it needed.
        "spark.kubernetes.allocation.batch.delay": "200ms",
        **_NOTHING_BUT_PODS,
    }
    labels = {f"{pods}.label.{name}": value for name, value in settings.executor_labels.items()}
    return {name: str(value) for name, value in {**executors, **labels}.items() if value}


def _scaling(settings: Settings) -> dict[str, str]:
    count = {"spark.executor.instances": str(settings.executors)}
    if not settings.executors_max:
        return count
    return {
        **count,
        **DYNAMIC_ALLOCATION,
        "spark.dynamicAllocation.minExecutors": str(settings.executors),
        "spark.dynamicAllocation.maxExecutors": str(settings.executors_max),
    }
