"""Where a delivery's time goes: `python -m benchmarks.profile FOLDER SCENARIO [gold]`.

Runs etl and load on a clone of the scenario's state, which `make bench` has made, and prints, of each,
Spark's jobs from the longest on: seconds, tasks, rows and bytes read, bytes shuffled and spilled. With
`gold` aggregate as well, in a lake that had its Gold before the delivery.
"""

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.clones import clone
from benchmarks.contenders import pipeline
from benchmarks.spark_work import SparkJob, jobs_since, last_job
from spark_jobs.contracts.contract import read_contract
from spark_jobs.jobs.runner import run_job
from spark_jobs.settings import CONTRACT

_SHOWN = 14


def main() -> None:
    """Profile the delivery that the arguments name."""
    folder, scenario = Path(sys.argv[1]), sys.argv[2]
    copy = folder.parent / "runs" / "profile"
    clone(folder / scenario / "state", copy)
    spark = pipeline.start("2g", copy / "spark.log")
    settings, date = pipeline.settings_of(copy), pipeline.date_of(folder / scenario / "bronze")
    with_gold = sys.argv[3:] == ["gold"]
    if with_gold:
        pipeline.seconds_of(spark, copy, "aggregate", date)
    for job in ("etl", "load", *(["aggregate"] if with_gold else [])):
        since, started = last_job(spark), time.monotonic()
        run = run_job(spark, settings, read_contract(CONTRACT), job, date)
        seconds = time.monotonic() - started
        _show(job, seconds, jobs_since(spark, since), run.rows)
    spark.stop()


def _show(job: str, seconds: float, jobs: list[SparkJob], rows: dict[str, Any]) -> None:
    busy = sum(j.run_seconds for j in jobs)
    print(f"\n{job}: {seconds:.1f} s, {len(jobs)} jobs, {busy:.1f} s of tasks; {rows}")
    print("  job   from     s  task s  tasks     rows in  MB in  MB shuffled  MB spilled  started by")
    for j in sorted(jobs, key=lambda j: -j.run_seconds)[:_SHOWN]:
        print(
            f"  {j.job:4d} {j.begun - jobs[0].begun:6.1f} {j.seconds:5.1f} {j.run_seconds:7.1f} "
            f"{j.tasks:6d} "
            f"{j.rows_read:11,d} {j.bytes_read / 1e6:6.0f} {j.bytes_shuffled / 1e6:12.0f} "
            f"{j.bytes_spilled / 1e6:11.0f}  {j.name[:70]}"
        )


if __name__ == "__main__":
    main()
