"""A delivery with 0, 1 and 2 executors: `python -m benchmarks.cluster.executors FOLDER SCENARIO [N...]`.

FOLDER as `make bench` makes it. Its lake goes to an S3 server on this machine, once for each N; then
etl and load of the scenario's delivery run as pods of the chart, in a namespace of their own, and the
oracle looks at Silver. Prints the seconds from pod created to ended, those of the run in it, and the most
memory that the driver's processes had. Runs in .venv with the jars for S3 (`make setup-s3`); the image has
to be in the cluster.
"""

import datetime as dt
import json
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.agreed import KEY
from benchmarks.cluster.ledger import measures_of
from benchmarks.contenders import pipeline
from benchmarks.contenders.recipe import fingerprint_of
from benchmarks.oracle import SILVER, differences, fingerprint
from spark_jobs.contracts.contract import read_contract
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import dataset_tables
from spark_jobs.settings import CONTRACT
from tests.e2e.release import Platform, released
from tests.e2e.servers import local_values, s3_for_pods, session_on
from tests.s3_server import client_of

_JOBS = ("etl", "load")
_MEMORY = "2g"
#: On two processors: the driver's pod and the executors' are as many as they like.
_DRIVER = {"driver__memory": _MEMORY, "driver__resources__limits__memory": "4Gi"}


def main() -> None:
    """Measure each number of executors once; exit code 1 where Silver is not the oracle's."""
    folder, scenario = Path(sys.argv[1]), sys.argv[2]
    counts = [int(count) for count in sys.argv[3:]] or [0, 1, 2]
    date = pipeline.date_of(folder / scenario / "bronze")
    wrong: list[str] = []
    with s3_for_pods() as s3, released("mlb-bench", s3, local_values(), KEY) as platform:
        for count in counts:
            _upload(folder / scenario / "state" / "lake", s3, f"lake-{count}")
            platform.deploy(
                lake=f"lake-{count}",
                executors__enabled=str(count > 0).lower(),
                executors__count=max(count, 1),
                executors__memory=_MEMORY,
                **_DRIVER,
            )
            told = {job: _run(platform, s3, f"lake-{count}", job, date) for job in _JOBS}
            print(json.dumps({"executors": count, **told}), flush=True)
        for count in counts:
            wrong += _wrong(folder / scenario, s3, f"lake-{count}")
    print("\n".join(wrong) or "Silver is the oracle's each time")
    sys.exit(bool(wrong))


def _run(platform: Platform, s3: str, lake: str, job: str, date: dt.date) -> dict[str, float]:
    pod = platform.launch(job, date)
    told = pod.told()
    if told.get("error"):
        raise SystemExit(f"{job}: {told['error']}")
    most = measures_of(s3, lake, job)["driver_peak_memory_bytes"]
    return {"pod": pod.seconds(), "run": told["seconds"], "peak MB": round(most / 1e6)}


def _upload(lake: Path, s3: str, prefix: str) -> None:
    client = client_of(s3)

    def put(file: Path) -> None:
        client.upload_file(str(file), "mlb", f"{prefix}/{file.relative_to(lake)}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, [f for f in lake.rglob("*") if f.is_file() and not f.name.endswith(".crc")]))


def _wrong(scenario: Path, s3: str, prefix: str) -> list[str]:
    log = Path(tempfile.mkdtemp())
    with session_on(s3, log / "spark.log") as spark:
        silver = Lake(spark, f"s3a://mlb/{prefix}").read(dataset_tables(read_contract(CONTRACT)).current)
        found = fingerprint(fingerprint_of(silver.select(*SILVER)))
    shutil.rmtree(log)
    expected: dict[str, Any] = json.loads((scenario / "expected.json").read_text())
    return differences({int(k): (v[0], v[1]) for k, v in expected.items()}, found)


if __name__ == "__main__":
    main()
