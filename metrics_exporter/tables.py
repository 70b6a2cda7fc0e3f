"""Figures of one table: version, size, files, small files, rows. From its Delta log: no row is read."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from deltalake import DeltaTable

from metrics_exporter.catalogue import SMALL_FILE_BYTES
from metrics_exporter.samples import Sample, sample


def table_samples(name: str, table: DeltaTable) -> list[Sample]:
    """Everything that the newest version's log says."""
    files = table.get_add_actions(flatten=False)
    sizes = files.column("size_bytes").to_pylist()
    places = _partitions(files, len(sizes))
    rows = files.column("num_records").to_pylist()
    found = [
        sample("mlb_table_version", table.version(), name),
        sample("mlb_table_size_bytes", sum(sizes), name),
        sample("mlb_table_files", len(sizes), name),
        sample("mlb_table_small_files", small_files(sizes, places), name),
        sample("mlb_table_last_commit_timestamp_seconds", _committed_at(table), name),
    ]
    # Of a file that came without statistics the log does not know it.
    return found if None in rows else [*found, sample("mlb_table_rows", sum(rows), name)]


def small_files(sizes: Sequence[int], partitions: Sequence[str]) -> int:
    """How many files compaction would put together: small ones that are not alone in their partition."""
    small = Counter(p for size, p in zip(sizes, partitions, strict=True) if size < SMALL_FILE_BYTES)
    return sum(count for count in small.values() if count > 1)


def _partitions(files: Any, count: int) -> list[str]:
    if "partition" not in files.column_names:
        return [""] * count
    values = files.column("partition").to_pylist()
    return [json.dumps(value, default=str, sort_keys=True) for value in values]


def _committed_at(table: DeltaTable) -> float:
    return table.history(limit=1)[0]["timestamp"] / 1000
