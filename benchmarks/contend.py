"""One contender in a process of its own: `python -m benchmarks.contend NAME BRONZE MEMORY CHECK STATE...`.

Starts the engine, brings the delivery into each state (the first one cold, the others warm), and says what
happened in lines of JSON on standard output: ready, done (with the seconds of the parts, and what Spark
counted), silver.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS


def main() -> None:
    """Run the contender that the arguments name."""
    name, bronze, memory, check, *states = sys.argv[1:]
    contender = importlib.import_module(f"benchmarks.contenders.{CONTENDERS[name].module}")
    places = [Path(state) for state in states]
    engine = contender.start(memory, places[0].parent / f"{name}.log")
    say("ready")
    for state in places:
        counted = counts(engine) if CONTENDERS[name].spark else dict
        started = time.monotonic()
        parts = contender.deliver(engine, Path(bronze), state)
        seconds = round(time.monotonic() - started, 3)
        say("done", seconds=seconds, parts=parts, work=counted())
    if check == "check" and contender.silver:
        found = contender.silver(engine, places[0])
        say("silver", fingerprint=[[int(n) for n in row] for row in found])


def counts(engine: Any) -> Callable[[], dict[str, int]]:
    """What tells the counts of Spark's work from now on."""
    from benchmarks.spark_work import now, work_since  # .venv-bench has no Spark

    before = now(engine)
    return lambda: asdict(work_since(engine, before))


def say(event: str, **values: object) -> None:
    """A line for the bench."""
    print(json.dumps({"bench": event, **values}), flush=True)


if __name__ == "__main__":
    main()
