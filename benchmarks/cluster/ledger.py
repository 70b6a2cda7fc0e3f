"""What the ledger of a lake on S3 says of a run in a pod."""

from metrics_exporter.lake import LakeReader, query, storage_options


def measures_of(s3: str, lake: str, job: str) -> dict[str, float]:
    """What the newest run of a job read, wrote and took (spark_jobs/process/measures.py)."""
    runs = LakeReader(f"s3://mlb/{lake}", storage_options({"MLB_S3_ENDPOINT": s3})).table("ops/runs")
    assert runs
    newest = f"SELECT measures FROM t WHERE job = '{job}' ORDER BY finished_at DESC LIMIT 1"
    return dict(query(runs, newest)[0]["measures"])
