"""What the pipeline is measured beside. Each module has `start`, `deliver` and `silver`.

`start(memory, log)` starts an engine, `deliver(engine, bronze, state)` brings a delivery (Parquet files of
Bronze rows) into the Silver of a state and returns the seconds of its parts, `silver(engine, state)` gives
Silver's fingerprint.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """A contender: its module, the environment that it runs in, and what people know it as."""

    module: str
    environment: str
    about: str

    @property
    def spark(self) -> bool:
        """Whether it runs on Spark."""
        return self.environment == ".venv"


CONTENDERS = {
    "pipeline": Contender(
        "pipeline", ".venv", "this pipeline: etl and load, with history, identities, quarantine, ledger"
    ),
    "floor": Contender(
        "floor", ".venv", "the floor: the batch read, typed and appended once; its Silver is wrong"
    ),
    "naive": Contender("naive", ".venv", "dropDuplicates and a plain MERGE"),
    "glue": Contender("glue", ".venv", "Glue-style: read all, window, overwrite"),
    "replace-where": Contender(
        "replace_where", ".venv", "Delta with replaceWhere on the seasons concerned"
    ),
    "dbt": Contender("dbt_merge", ".venv", "dbt-spark's incremental merge"),
    "delta-rs": Contender("delta_rs", ".venv-bench", "delta-rs (deltalake): merge, no Spark"),
    "duckdb": Contender(
        "duckdb_parquet", ".venv-bench", "DuckDB over Parquet: seasons concerned rewritten, no transaction"
    ),
}


class Parts(dict[str, float]):
    """Seconds of the parts of a piece of work."""

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a part."""
        started = time.monotonic()
        yield
        self[name] = round(time.monotonic() - started, 3)
