"""What the generator and the contenders agree on: days, the key, and where things lie."""

from pathlib import Path

#: The pseudonym key of the benchmark's lakes: no secret, since nothing in them is anybody's.
KEY = "a-key-for-benchmarks-that-is-long-enough-0123456789"
BASE_DAY, DELIVERY_DAY = "2023-10-01", "2023-10-02"
FIRST_LOAD = "first-load"


def delivery_day(bronze: Path) -> str:
    """The day of a scenario's delivery, by the folder of its Bronze rows."""
    return BASE_DAY if bronze.parent.name == FIRST_LOAD else DELIVERY_DAY


def plain_silver(state: Path) -> Path:
    """The Silver table of all contenders but the pipeline."""
    return state / "silver"
