"""One line of JSON that sums up several runs."""

import datetime as dt
import json

from spark_jobs.ledger import Run


def run_summary(days: list[dt.date], runs: list[Run]) -> str:
    """Days, runs, failures and seconds of `spark-jobs run`, as its last line of output."""
    failed = [run for run in runs if run.exit_code]
    return json.dumps(
        {
            "job": "run",
            "from": days[0].isoformat(),
            "to": days[-1].isoformat(),
            "runs": len(runs),
            "failed": len(failed),
            "errors": [f"{run.delivery_date} {run.job}: {run.error}" for run in failed],
            "seconds": round(sum(run.seconds for run in runs), 1),
        },
        ensure_ascii=False,
    )
