"""Delivery after delivery into one lake, in one process: the work of benchmarks/growth.py.

`python -m benchmarks.deliveries FOLDER DELIVERIES EVERY`: FOLDER has deliveries by day beside a state
(generate.generate_days); one after another goes through etl and load, with upkeep (`maintain`) after each
EVERYth (0: never). Prints one line of JSON a delivery: seconds of etl, load and upkeep, Spark's jobs, bytes
read, files of the lake, and files and bytes of its logs. Runs in .venv.
"""

import json
import sys
from pathlib import Path

from benchmarks.clones import clone
from benchmarks.contenders import pipeline
from benchmarks.spark_work import now, work_since
from benchmarks.state import add_delivery
from spark_jobs.jobs.maintain import maintain


def main() -> None:
    """Deliver day after day."""
    folder, many, every = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    copy = folder.parent / "runs" / "growth"
    clone(folder / "base" / "state", copy)
    spark = pipeline.start("2g", copy / "spark.log")
    for number, place in enumerate(sorted((folder / "days").iterdir())[:many], start=1):
        add_delivery(spark, copy, place / "bronze")
        since = now(spark)
        seconds = pipeline.deliver(spark, place / "bronze", copy)
        work = work_since(spark, since)
        due = every and number % every == 0
        upkeep = pipeline.seconds_of(spark, copy, "maintain", None, maintain) if due else 0.0
        line = {"delivery": number, **seconds, "upkeep": upkeep, "jobs": work.jobs}
        line["bytes_read"] = work.bytes_read
        print(json.dumps({**line, **_sizes(copy / "lake")}), flush=True)
    spark.stop()


def _sizes(lake: Path) -> dict[str, int]:
    files = [file for file in lake.rglob("*") if file.is_file()]
    logs = [file for file in files if "_delta_log" in file.parts]
    return {
        "files": len(files) - len(logs),
        "log_files": len(logs),
        "log_bytes": sum(file.stat().st_size for file in logs),
    }


if __name__ == "__main__":
    main()
