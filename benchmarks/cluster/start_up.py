"""From pod created to first commit, of images beside each other: `python -m benchmarks.cluster.start_up`.

    python -m benchmarks.cluster.start_up ROUNDS TAG[,VALUE=…] TAG[,VALUE=…]

The images are mlb/spark-jobs with these tags, which have to be in the cluster, each with values of the
chart behind commas (such as plain,driver.compiler=c2). The first one brings the sample feed's first two
deliveries into a lake. Then in each round, into a copy of that lake, each brings the third (109 rows), a
pod a job. Prints the medians of seconds from a pod's creation to the first commit in the lake, of the
steps between, and of its peak memory; the last image is what the others are compared with. Runs in .venv
with the jars for S3 (`make setup-s3`).
"""

import datetime as dt
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from benchmarks.agreed import KEY
from benchmarks.cluster.ledger import measures_of
from spark_jobs.sample_feed import write_sample_feed
from tests.e2e.release import Platform, Pod, released
from tests.e2e.servers import local_values, s3_for_pods
from tests.s3_server import client_of

JOBS = ("ingest", "etl", "load", "aggregate")
DAYS = [dt.date(2023, 10, day) for day in (1, 2, 3)]
#: The steps of a pod until its first commit, and what else is told of it.
STEPS = ("scheduled and started", "session", "first commit", "ended")


def main() -> None:
    """Run the rounds and print the medians."""
    rounds, images = int(sys.argv[1]), sys.argv[2:]
    measured: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    with s3_for_pods() as s3, released("mlb-bench", s3, local_values(), KEY) as platform:
        _deliver(s3)
        _deploy(platform, images[0], "before")
        for day in DAYS[:-1]:
            for job in JOBS:
                _told(platform, job, day)
        for turn in range(rounds):
            # Each round begins with another image.
            for number in [(turn + n) % len(images) for n in range(len(images))]:
                lake = f"lake-{turn}-{number}"
                _copy(s3, "before/", f"{lake}/")
                _deploy(platform, images[number], lake)
                for job in JOBS:
                    measured[job, images[number]].append(_measured(platform, s3, lake, job))
                    print(turn, job, images[number], measured[job, images[number]][-1], file=sys.stderr)
    _show(measured, images)


def _deploy(platform: Platform, image: str, lake: str) -> None:
    tag, *values = image.split(",")
    given = {name.replace(".", "__"): value for name, _, value in (v.partition("=") for v in values)}
    platform.deploy(lake=lake, image__tag=tag, executors__enabled="false", **given)


def _told(platform: Platform, job: str, day: dt.date) -> Pod:
    pod = platform.launch(job, day)
    if error := pod.told().get("error"):
        raise SystemExit(f"{job} of {day}: {error}")
    return pod


def _measured(platform: Platform, s3: str, lake: str, job: str) -> dict[str, float]:
    """Seconds of a job's steps, each from the end of the one before; MB at most of its processes."""
    known = _commits(s3, lake).keys()
    pod = _told(platform, job, DAYS[-1])
    created, started, ended = pod.times()
    first = min(at for name, at in _commits(s3, lake).items() if name not in known)
    measures = measures_of(s3, lake, job)
    session = started + dt.timedelta(seconds=measures["start_up_seconds"])
    steps = [created, started, session, first, ended]
    seconds = [(after - before).total_seconds() for before, after in pairwise(steps)]
    return {
        "to the first commit": round((first - created).total_seconds(), 1),
        **{name: round(value, 1) for name, value in zip(STEPS, seconds, strict=True)},
        "peak MB": round(measures["driver_peak_memory_bytes"] / 1e6),
    }


def _commits(s3: str, lake: str) -> dict[str, dt.datetime]:
    """When each commit of the lake was made, as its log says."""
    client, found = client_of(s3), {}
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="mlb", Prefix=f"{lake}/"):
        for name in (entry["Key"] for entry in page.get("Contents", ())):
            if "/_delta_log/" in name and name.endswith(".json"):
                lines = client.get_object(Bucket="mlb", Key=name)["Body"].read().splitlines()
                infos = [line["commitInfo"] for line in map(json.loads, lines) if "commitInfo" in line]
                found[name] = dt.datetime.fromtimestamp(infos[0]["timestamp"] / 1000, dt.UTC)
    return found


def _deliver(s3: str) -> None:
    client = client_of(s3)
    with tempfile.TemporaryDirectory() as folder:
        write_sample_feed(Path(folder))
        for day in DAYS:
            for file in sorted(Path(folder, "employees", str(day)).iterdir()):
                client.upload_file(str(file), "mlb", f"landing/employees/{day}/{file.name}")


def _copy(s3: str, before: str, after: str) -> None:
    client = client_of(s3)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="mlb", Prefix=before):
        for name in (entry["Key"] for entry in page["Contents"]):
            source = {"Bucket": "mlb", "Key": name}
            client.copy_object(Bucket="mlb", Key=after + name.removeprefix(before), CopySource=source)


def _show(measured: dict[tuple[str, str], list[dict[str, float]]], images: list[str]) -> None:
    for job in JOBS:
        for image in images:
            runs, last = measured[job, image], measured[job, images[-1]]
            medians = {name: round(statistics.median(run[name] for run in runs), 1) for name in runs[0]}
            theirs = statistics.median(run["to the first commit"] for run in last)
            ratio = round(theirs / medians["to the first commit"], 2)
            print(json.dumps({"job": job, "image": image, **medians, "times as fast": ratio}))


if __name__ == "__main__":
    main()
