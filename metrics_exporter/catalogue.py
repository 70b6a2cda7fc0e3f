"""Every metric of the pipeline: its name, type, meaning, unit and labels. Nothing else is exported.

Names are Prometheus's way: base units, `_total` for counters. The label of a platform's job is `mlb_job`,
since `job` is Prometheus's own (the scrape job). No label holds anything of a person:

- `mlb_job`: ingest, etl, load, aggregate, recover, maintain, reprocess, restore, erase, rotate-key
- `outcome`: of a run: succeeded, failed, stopped; of rows: see docs/semantics.md
- `stage`: a part of a job, see docs/metrics.md
- `delivery`: a day, YYYY-MM-DD; only the last 30 deliveries have series (`DELIVERIES`)
- `reason`: the code of a rule or conflict; `state` and `kind`: of an entry of the quarantine
- `table`: the table's place in the lake, such as silver/employees
- `part`: what of the lake could not be read: ledger, quarantine, gold, tables

Figures of "the last run" are those of the newest run of that job that has such a figure.
"""

from dataclasses import dataclass
from typing import Literal

#: So many of the newest deliveries have series of their own.
DELIVERIES = 30
#: A file below this is small where its partition has several: `maintain` would put them together.
SMALL_FILE_BYTES = 64 * 1024**2

Kind = Literal["gauge", "counter"]
Unit = Literal["", "seconds", "bytes", "ratio", "rows", "files", "runs"]


@dataclass(frozen=True)
class Metric:
    """One metric as Prometheus shows it: a counter's name ends in `_total`."""

    name: str
    kind: Kind
    help: str
    unit: Unit = ""
    labels: tuple[str, ...] = ()


JOB, DELIVERY, OUTCOME, STAGE, REASON, TABLE = "mlb_job", "delivery", "outcome", "stage", "reason", "table"

#: What of one run is measured in one number: the measure's name in the ledger (`measures` of ops/runs),
#: from which come `mlb_last_run_<name>`, and `mlb_<name>_total` where it adds up over runs.
MEASURES: dict[str, tuple[str, Unit, bool]] = {
    "delivered_files": ("Files of the delivery that ingest read, each once.", "files", True),
    "delivered_bytes": ("Size of the files of the delivery that ingest read.", "bytes", True),
    "read_files": (
        "Files that its queries read, after pruning: of tables and of their logs.",
        "files",
        True,
    ),
    "read_bytes": ("Size of the files that its queries read, after pruning.", "bytes", True),
    "written_files": ("Files that it added to tables.", "files", True),
    "written_bytes": ("Size of the files that it added to tables.", "bytes", True),
    "rewritten_files": ("Files of tables that it replaced by new ones or deleted.", "files", True),
    "rewritten_bytes": ("Size of the files of tables that it replaced or deleted.", "bytes", True),
    "gc_seconds": ("Garbage collection of the driver's JVM.", "seconds", True),
    "start_up_seconds": ("From the process's start until Spark's session is there.", "seconds", False),
    "driver_peak_memory_bytes": (
        "Most resident memory of the driver: Python, JVM and Python workers.",
        "bytes",
        False,
    ),
    "executors": ("Executor processes; 0 where Spark runs in the driver.", "", False),
    "executor_peak_memory_bytes": ("Most memory of the JVM of any executor process.", "bytes", False),
}


def last_run_of(measure: str) -> str:
    """The name of the metric that shows a measure of each job's last run."""
    return f"mlb_last_run_{measure}"


def total_of(measure: str) -> str:
    """The name of the metric that adds a measure up over all runs of the ledger."""
    return f"mlb_{measure}_total"


RUNS = (
    Metric("mlb_runs_total", "counter", "Runs in the ledger.", "runs", (JOB, OUTCOME)),
    Metric("mlb_run_seconds_total", "counter", "How long all runs have taken.", "seconds", (JOB,)),
    Metric(
        "mlb_last_run_outcome",
        "gauge",
        "1 for the outcome of the job's last run, 0 for the others.",
        "",
        (JOB, OUTCOME),
    ),
    Metric("mlb_last_run_exit_code", "gauge", "Exit code of the job's last run.", "", (JOB,)),
    Metric("mlb_last_run_start_timestamp_seconds", "gauge", "When it began.", "seconds", (JOB,)),
    Metric("mlb_last_run_end_timestamp_seconds", "gauge", "When it ended.", "seconds", (JOB,)),
    Metric("mlb_last_run_seconds", "gauge", "How long it took.", "seconds", (JOB,)),
    Metric(
        "mlb_last_run_delivery_timestamp_seconds",
        "gauge",
        "Day of the delivery that the last run was for (midnight UTC); none where it had no delivery.",
        "seconds",
        (JOB,),
    ),
    Metric(
        "mlb_last_success_timestamp_seconds",
        "gauge",
        "When the job's last successful run ended.",
        "seconds",
        (JOB,),
    ),
    Metric(
        "mlb_last_run_stage_seconds",
        "gauge",
        "Seconds of each stage of the last run.",
        "seconds",
        (JOB, STAGE),
    ),
    Metric(
        "mlb_stage_seconds_total", "counter", "Seconds of each stage, all runs.", "seconds", (JOB, STAGE)
    ),
    *(
        Metric(last_run_of(name), "gauge", f"The job's last run: {about}", unit, (JOB,))
        for name, (about, unit, _) in MEASURES.items()
    ),
    *(
        Metric(total_of(name), "counter", f"All runs: {about}", unit, (JOB,))
        for name, (about, unit, adds_up) in MEASURES.items()
        if adds_up
    ),
)

ROWS = (
    Metric(
        "mlb_rows_total",
        "counter",
        "Rows by outcome over all runs of the ledger; a delivery that ran twice counts twice. Among them "
        "rows_in, and of etl staged, duplicate, superseded, quarantined, of load current, late, unchanged, "
        "repeated, quarantined.",
        "rows",
        (JOB, OUTCOME),
    ),
    Metric(
        "mlb_delivery_rows",
        "gauge",
        "Rows of a delivery by outcome in the newest run of a job for it: as mlb_rows_total.",
        "rows",
        (JOB, DELIVERY, OUTCOME),
    ),
    Metric(
        "mlb_delivery_run_seconds",
        "gauge",
        "How long the newest run of a job for a delivery took.",
        "seconds",
        (JOB, DELIVERY),
    ),
    Metric(
        "mlb_delivery_conservation_difference_rows",
        "gauge",
        "Rows that came into the newest run of etl or load less rows that have an outcome: 0, or the "
        "program has a defect.",
        "rows",
        (JOB, DELIVERY),
    ),
    Metric(
        "mlb_conservation_failures_total",
        "counter",
        "Runs of etl and load in which rows got lost or doubled. They committed nothing.",
        "runs",
        (JOB,),
    ),
    Metric(
        "mlb_delivery_quarantine_ratio",
        "gauge",
        "Share of a delivery's rows that its newest etl refused, 0 to 1.",
        "ratio",
        (DELIVERY,),
    ),
    Metric(
        "mlb_delivery_unusual_figures",
        "gauge",
        "Of a delivery's number of good rows and its payroll, how many its newest load found unlike those "
        "of the deliveries before it.",
        labels=(DELIVERY,),
    ),
)

QUARANTINE = (
    Metric(
        "mlb_quarantine_rows",
        "gauge",
        "Entries of the quarantine by state (open, replayed, rejected, superseded) and kind (row, file).",
        "rows",
        ("state", "kind"),
    ),
    Metric(
        "mlb_quarantine_open_rows",
        "gauge",
        "Open entries by reason; one with two reasons counts under both.",
        "rows",
        (REASON,),
    ),
    Metric(
        "mlb_delivery_quarantine_open_rows",
        "gauge",
        "Open entries of a delivery by reason; one with two reasons counts under both.",
        "rows",
        (DELIVERY, REASON),
    ),
    Metric(
        "mlb_collision_rows",
        "gauge",
        "Rows ever refused because rows contradict each other (identity_conflict, sequence_conflict), in "
        "any state.",
        "rows",
        (REASON,),
    ),
    Metric(
        "mlb_delivery_collision_rows",
        "gauge",
        "The same of one delivery.",
        "rows",
        (DELIVERY, REASON),
    ),
)

TABLES = (
    Metric("mlb_table_version", "gauge", "Newest version of the Delta table.", "", (TABLE,)),
    Metric("mlb_table_size_bytes", "gauge", "Size of the newest version's files.", "bytes", (TABLE,)),
    Metric("mlb_table_files", "gauge", "Files of the newest version.", "files", (TABLE,)),
    Metric(
        "mlb_table_small_files",
        "gauge",
        "Files below 64 MiB that share their partition with another one: what maintain puts together.",
        "files",
        (TABLE,),
    ),
    Metric(
        "mlb_table_rows",
        "gauge",
        "Rows in the newest version's files, by its log; those that are only marked as deleted count, too.",
        "rows",
        (TABLE,),
    ),
    Metric(
        "mlb_table_last_commit_timestamp_seconds", "gauge", "When it was committed.", "seconds", (TABLE,)
    ),
)

GOLD = (
    Metric(
        "mlb_gold_newest_delivery_timestamp_seconds",
        "gauge",
        "Day of the newest delivery in Gold (midnight UTC). Freshness is time() less this.",
        "seconds",
    ),
    Metric(
        "mlb_gold_published_timestamp_seconds",
        "gauge",
        "When Gold was last published: the newest consistent point of the ledger.",
        "seconds",
    ),
)

EXPORTER = (
    Metric("mlb_lake_up", "gauge", "1 if the last reading of the whole lake succeeded, else 0."),
    Metric(
        "mlb_lake_last_read_timestamp_seconds",
        "gauge",
        "When the whole lake was last read without an error.",
        "seconds",
    ),
    Metric("mlb_lake_read_seconds", "gauge", "How long the last reading took.", "seconds"),
    Metric("mlb_lake_read_errors_total", "counter", "Readings that failed, by part.", "", ("part",)),
)

METRICS: tuple[Metric, ...] = (*RUNS, *ROWS, *QUARANTINE, *TABLES, *GOLD, *EXPORTER)
