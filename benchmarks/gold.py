"""Gold after a delivery beside Gold made anew: `python -m benchmarks.gold FOLDER SCENARIO [ROUNDS]`.

FOLDER as `make bench` makes it. Each round, in a process of its own: Gold of Silver as it was, etl and load
of the delivery, `aggregate` of what changed, and all of Gold made where there is none, both as the ledger
times them. The second comes last, to a warm JVM, which is in its favour. Runs in .venv.
"""

import json
import shutil
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.clones import clone
from benchmarks.contenders import pipeline
from spark_jobs.jobs.aggregate import aggregate


def main() -> None:
    """Run the rounds, each in a process of its own, and print the medians."""
    folder, scenario = Path(sys.argv[1]), sys.argv[2]
    if sys.argv[3:] == ["round"]:
        print(json.dumps(_round(folder, scenario)))
        return
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    found = []
    for _ in range(rounds):
        command = [sys.executable, "-m", "benchmarks.gold", str(folder), scenario, "round"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
        print(found[-1], file=sys.stderr, flush=True)
    changed, whole = (statistics.median(f[name] for f in found) for name in ("changed", "whole"))
    print(f"Gold of what changed {changed:.1f} s, of all {whole:.1f} s: {changed / whole:.2f} of it")


def _round(folder: Path, scenario: str) -> dict[str, float]:
    runs, bronze = folder.parent / "runs", folder / scenario / "bronze"
    copy, without_gold = runs / "gold", runs / "without-gold"
    clone(folder / scenario / "state", copy)
    spark, date = pipeline.start("2g", runs / "gold.log"), pipeline.date_of(bronze)
    first = pipeline.seconds_of(spark, copy, "aggregate", date)
    pipeline.deliver(spark, bronze, copy)
    changed = pipeline.seconds_of(spark, copy, "aggregate", date)
    clone(copy, without_gold)
    shutil.rmtree(without_gold / "lake" / "gold")
    whole = pipeline.seconds_of(spark, without_gold, "aggregate", date, partial(aggregate, full=True))
    spark.stop()
    return {"first": first, "changed": changed, "whole": whole}


if __name__ == "__main__":
    main()
