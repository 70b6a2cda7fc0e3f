"""One frozen settings object, built once by the command line and passed down."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

CONTRACT = Path(__file__).parent / "contracts" / "employees.odcs.yaml"


_MEMORY = r"^\d+[kmgt]$"


class ProcessSettings(BaseSettings):
    """How a job behaves as a process. Each field has an environment variable MLB_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="MLB_", frozen=True, extra="forbid")

    run_id: str | None = Field(
        default=None, description="the launcher's name for this run, new for each try (default: made up)"
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="text for a terminal, Spark's log in a file; json: both as lines of JSON on stderr",
    )
    spark_log: Path = Field(
        default=Path("spark.log"), description="file for Spark's own log, where it is text"
    )
    metrics: Literal["none", "emf"] = Field(
        default="none",
        description="emf: a line for each run on standard output, of which CloudWatch makes metrics",
    )
    termination_log: Path | None = Field(
        default=None, description="file for the outcome as JSON (in a pod: /dev/termination-log)"
    )
    compiler: Literal["c1", "c2"] | None = Field(
        default=None,
        description=(
            "how far the driver's JVM compiles: c1 for a process of one job over a day's delivery (and the "
            "default where a command names one), c2 for millions of rows or many days"
        ),
    )

    @property
    def log_place(self) -> str:
        """Where people find stack traces."""
        return str(self.spark_log) if self.log_format == "text" else "the log"


class ExecutorSettings(BaseSettings):
    """What Spark asks of Kubernetes where the master is `k8s://…`; no meaning elsewhere."""

    model_config = SettingsConfigDict(env_prefix="MLB_", frozen=True, extra="forbid")

    executors: Annotated[int, Field(ge=1)] = Field(default=2, description="executor pods to start with")
    executors_max: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="grow up to so many executors by dynamic allocation (default: stay)"
    )
    executor_image: str | None = Field(default=None, description="the executors' image: the driver's own")
    executor_image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    executor_service_account: str | None = Field(default=None, description="the executors' service account")
    executor_pod_template: Path | None = Field(default=None, description="the executors' pod template")
    executor_labels: dict[str, str] = Field(
        default_factory=dict, description="labels for the executors' pods, as a JSON object"
    )
    executor_cores: Annotated[int, Field(ge=1)] = Field(
        default=1, description="tasks an executor runs at once"
    )
    executor_cpu_request: str | None = Field(
        default=None, description="CPU that an executor's pod requests, such as 500m (default: its cores)"
    )
    executor_memory: Annotated[str, Field(pattern=_MEMORY)] = Field(
        default="2g", description="heap of an executor's JVM"
    )
    executor_memory_overhead: Annotated[str, Field(pattern=_MEMORY)] = Field(
        default="1g", description="memory of an executor's pod beside the heap: Python workers, buffers"
    )
    executor_timeout: Annotated[int, Field(gt=0)] = Field(
        default=300,
        description="seconds to wait for an executor before the job says why there is none",
    )
    namespace: str | None = Field(default=None, description="namespace of the pods: the driver's own")
    pod_name: str | None = Field(default=None, description="the driver's pod: owns the executors' pods")
    pod_ip: str | None = Field(default=None, description="address at which executors find the driver")
    driver_port: Annotated[int, Field(ge=1024, le=65535)] = 7078
    block_manager_port: Annotated[int, Field(ge=1024, le=65535)] = 7079


class LineageSettings(BaseSettings):
    """Where OpenLineage events go, and what they say besides. OPENLINEAGE_… names are the standard's."""

    model_config = SettingsConfigDict(env_prefix="MLB_", frozen=True, extra="forbid")

    lineage: SecretStr | None = Field(
        default=None,
        description=(
            "where OpenLineage events go: a file (a line of JSON each), an endpoint (http://…, "
            "https://…) or none (default: as OPENLINEAGE_URL and the like say, else none)"
        ),
    )
    lineage_namespace: str = Field(
        default="mlb",
        description="namespace of the jobs in events (OPENLINEAGE_NAMESPACE)",
        validation_alias=AliasChoices(
            "lineage_namespace", "MLB_LINEAGE_NAMESPACE", "OPENLINEAGE_NAMESPACE"
        ),
    )
    lineage_timeout: Annotated[float, Field(gt=0, le=60)] = Field(
        default=5, description="seconds that a run waits at its end, at most, for its events to go out"
    )
    lineage_parent: str | None = Field(
        default=None,
        description="the run that has started this one, NAMESPACE/NAME/UUID (OPENLINEAGE_PARENT_ID)",
        validation_alias=AliasChoices("lineage_parent", "MLB_LINEAGE_PARENT", "OPENLINEAGE_PARENT_ID"),
    )
    lineage_root: str | None = Field(
        default=None,
        description="the run at the root of that one, in the same form (OPENLINEAGE_ROOT_PARENT_ID)",
        validation_alias=AliasChoices("lineage_root", "MLB_LINEAGE_ROOT", "OPENLINEAGE_ROOT_PARENT_ID"),
    )
    lineage_owner: str = Field(default="team:data_engineer", description="owner of the jobs in events")
    source_url: str | None = Field(
        default=None, description="address of the repository that the jobs come from, for events"
    )
    revision: str | None = Field(
        default=None, description="the jobs' revision in it; the image knows its own"
    )


class Settings(ProcessSettings, ExecutorSettings, LineageSettings):
    """Where things lie and the limits they keep. Each field has an environment variable MLB_<NAME>."""

    landing: str = Field(
        default="./landing", description="landing zone: holds <dataset>/<YYYY-MM-DD>/*.csv"
    )
    lake: str = Field(default="./lake", description="root of the Delta tables")
    contract: Path = Field(default=CONTRACT, description="the data contract (ODCS v3)")
    quarantine_limit: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.2,
        description="largest share of a delivery's rows that may be refused before all of it is",
    )
    data_quality: bool = Field(
        default=True,
        description="keep gold/data_quality_daily, which takes each aggregate a second or two",
    )
    unusual_warn: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5,
        description="share of the usual rows or payroll that warns, as its inverse does (0: never)",
    )
    unusual_stop: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.1,
        description="the share that stops the delivery before load until a person lets it pass",
    )
    unusual_history: Annotated[int, Field(ge=1)] = Field(
        default=14, description="loaded deliveries before a delivery that say what is usual"
    )
    unusual_minimum: Annotated[int, Field(ge=1)] = Field(
        default=5, description="with fewer of them nothing is said of a delivery"
    )
    pseudonym_key: SecretStr | None = Field(
        default=None, description="HMAC key of the pseudonyms, at least 32 characters"
    )
    pseudonym_key_file: Path | None = Field(default=None, description="a file that holds that key")
    new_pseudonym_key_file: Path | None = Field(
        default=None, description="a file that holds the key that rotate-key changes to"
    )
    erasure_key: SecretStr | None = Field(
        default=None,
        description="HMAC key of the ledger of erasures, at least 32 characters; never changed",
    )
    erasure_key_file: Path | None = Field(default=None, description="a file that holds that key")
    backup_days: Annotated[int, Field(ge=0)] = Field(
        default=30,
        description="days after which the store keeps no version or backup of a deleted object",
    )
    retention_days: Annotated[int, Field(ge=1)] = Field(
        default=30, description="days for which older versions of a table can be read again"
    )
    table_retention_days: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default={}, description='the same for single tables, as JSON: {"gold/roster_movement": 7}'
    )
    master: str = Field(
        default="local[*]",
        description="where Spark runs: local[*] in this process, k8s://https://… in pods",
    )
    driver_memory: str = Field(default="2g", description="memory of the driver's JVM")
    s3_endpoint: str | None = Field(
        default=None, description="URL of an S3-compatible store, for example https://s3.example.org"
    )
    s3_region: str | None = Field(default=None, description="region of the buckets (else AWS_REGION)")
    s3_path_style: bool | None = Field(
        default=None,
        description="address buckets as paths and not as host names (else only with an endpoint)",
    )
    event_log: str | None = Field(
        default=None,
        description="folder for Spark's event logs, which a History Server reads (default: none)",
    )

    @property
    def on_kubernetes(self) -> bool:
        """Whether executors are pods of their own."""
        return self.master.startswith("k8s://")

    @property
    def landing_root(self) -> str:
        """The landing zone as an absolute path or URL without a trailing slash."""
        return absolute(self.landing)

    @property
    def lake_root(self) -> str:
        """The lake as an absolute path or URL without a trailing slash."""
        return absolute(self.lake)

    @property
    def lake_is_local(self) -> bool:
        """Whether the lake lies on this machine's disk (the embedded default)."""
        return "://" not in self.lake


def absolute(place: str) -> str:
    """A place as an absolute path, or as it is where it is a URL (`s3a://…`)."""
    return place.rstrip("/") if "://" in place else os.path.abspath(place)
