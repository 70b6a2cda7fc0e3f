"""One contender in a process of its own: `python -m benchmarks.contend NAME BRONZE MEMORY CHECK STATE...`.

Starts the engine, brings the delivery into each state (the first one cold, the others warm), and says what
happened in lines of JSON on standard output: ready, done (with the seconds of the parts), silver.
"""

import importlib
import json
import sys
import time
from pathlib import Path

from benchmarks.contenders import CONTENDERS


def main() -> None:
    """Run the contender that the arguments name."""
    name, bronze, memory, check, *states = sys.argv[1:]
    contender = importlib.import_module(f"benchmarks.contenders.{CONTENDERS[name].module}")
    places = [Path(state) for state in states]
    engine = contender.start(memory, places[0].parent / f"{name}.log")
    say("ready")
    for state in places:
        started = time.monotonic()
        parts = contender.deliver(engine, Path(bronze), state)
        say("done", seconds=round(time.monotonic() - started, 3), parts=parts)
    if check == "check" and contender.silver:
        found = contender.silver(engine, places[0])
        say("silver", fingerprint=[[int(n) for n in row] for row in found])


def say(event: str, **values: object) -> None:
    """A line for the bench."""
    print(json.dumps({"bench": event, **values}), flush=True)


if __name__ == "__main__":
    main()
