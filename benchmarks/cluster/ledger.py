"""The ledger of a lake on S3, of a run in a pod: `python -m benchmarks.cluster.ledger S3 LAKE JOB`."""

import json
import subprocess
import sys

from metrics_exporter.lake import LakeReader, query, storage_options


def measures_of(s3: str, lake: str, job: str) -> dict[str, float]:
    """What the newest run of a job read, wrote and took (spark_jobs/process/measures.py)."""
    # A process of its own: deltalake holds Python's lock while it asks S3, whose server is a thread here.
    command = [sys.executable, "-m", "benchmarks.cluster.ledger", s3, lake, job]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def main() -> None:
    """Print the measures as JSON."""
    s3, lake, job = sys.argv[1:]
    runs = LakeReader(f"s3://mlb/{lake}", storage_options({"MLB_S3_ENDPOINT": s3})).table("ops/runs")
    assert runs
    newest = f"SELECT measures FROM t WHERE job = '{job}' ORDER BY finished_at DESC LIMIT 1"
    print(json.dumps(dict(query(runs, newest)[0]["measures"])))


if __name__ == "__main__":
    main()
