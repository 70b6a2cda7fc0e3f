"""What a query says of itself, in files and bytes."""

import pytest

from spark_jobs.lake.commits import Files
from spark_jobs.lake.traffic import _read_in, _size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0.0 B", 0),
        ("1536.0 B", 1536),
        ("38.1 KiB", 39014),
        ("2.0 MiB", 2097152),
        ("total (min, med, max)\n4.0 KiB (2.0 KiB, 2.0 KiB, 2.0 KiB (stage 3.0: task 4))", 4096),
        ("", 0),
    ],
)
def test_a_size_as_spark_shows_it(text: str, size: int) -> None:
    assert _size(text) == size


def test_a_query_tells_the_files_of_all_its_scans() -> None:
    metrics = [
        {"accumulatorId": 1, "name": "number of files read", "metricType": "sum"},
        {"accumulatorId": 2, "name": "size of files read", "metricType": "size"},
        {"accumulatorId": 3, "name": "number of files read", "metricType": "sum"},
        {"accumulatorId": 4, "name": "number of output rows", "metricType": "sum"},
    ]
    values = {"1": "1,200", "2": "2.0 KiB", "3": "3", "4": "99"}
    assert _read_in({"metrics": metrics, "metricValues": values}) == Files(1203, 2048)
    assert _read_in({"metrics": metrics, "metricValues": None}) == Files()
