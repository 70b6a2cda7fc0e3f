"""A run's figures for Amazon CloudWatch, as one line of its embedded metric format (EMF).

CloudWatch Logs makes metrics of such a line, whatever brings a pod's standard output there (Fluent Bit, the
CloudWatch agent): the pod itself has to reach nothing. Only numbers, and the names of job and outcome.
"""

import json
from typing import Any

from spark_jobs.ledger import Run

NAMESPACE = "MLB/EmployeeData"
DIMENSION = "mlb_job"
_OUTCOMES = ("succeeded", "failed", "stopped")
#: CloudWatch takes so many metrics in one line.
MOST_METRICS = 100


def emf_line(run: Run) -> str:
    """The run as JSON: each figure a metric with the job as its one dimension."""
    figures = dict(list(_figures(run).items())[:MOST_METRICS])
    metrics = [{"Name": name, "Unit": _unit(name)} for name in figures]
    directive = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}
    at = run.finished_at or run.started_at
    line: dict[str, Any] = {
        "_aws": {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        DIMENSION: run.job,
        # No dimensions, but there to be searched for in the log.
        "delivery": run.delivery_date.isoformat() if run.delivery_date else None,
        "run_id": run.run_id,
        "outcome": run.outcome,
        **figures,
    }
    return json.dumps({name: value for name, value in line.items() if value is not None})


def _figures(run: Run) -> dict[str, float]:
    figures: dict[str, float] = {f"mlb_runs_{name}": float(name == run.outcome) for name in _OUTCOMES}
    figures["mlb_run_seconds"] = run.seconds
    # What is counted of single tables (silver/employees added) is for people.
    rows = {name: count for name, count in run.rows.items() if "/" not in name and " " not in name}
    figures |= {f"mlb_run_{name}": measure for name, measure in run.measures.items()}
    figures |= {f"mlb_stage_{name}_seconds": seconds for name, seconds in run.stages.items()}
    figures |= {f"mlb_rows_{name}": count for name, count in rows.items()}
    if run.job == "etl" and rows.get("rows_in"):
        figures["mlb_quarantine_ratio"] = rows.get("quarantined", 0) / rows["rows_in"]
    return figures


def _unit(name: str) -> str:
    if name.endswith("_seconds"):
        return "Seconds"
    if name.endswith("_bytes"):
        return "Bytes"
    return "None" if name.endswith("_ratio") else "Count"
