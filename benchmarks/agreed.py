"""What the generator and the contenders agree on: days, the key, and where things lie."""

import re
from pathlib import Path

#: The pseudonym key of the benchmark's lakes: no secret, since nothing in them is anybody's.
KEY = "a-key-for-benchmarks-that-is-long-enough-0123456789"
BASE_DAY, DELIVERY_DAY = "2023-10-01", "2023-10-02"
FIRST_LOAD = "first-load"
#: The folder of one of many deliveries is called by its day.
_DAY = re.compile(r"\d{4}-\d\d-\d\d$")


def delivery_day(bronze: Path) -> str:
    """The day of a scenario's delivery, by the folder of its Bronze rows."""
    name = bronze.parent.name
    if _DAY.match(name):
        return name
    return BASE_DAY if name == FIRST_LOAD else DELIVERY_DAY


def plain_silver(state: Path) -> Path:
    """The Silver table of all contenders but the pipeline."""
    return state / "silver"
