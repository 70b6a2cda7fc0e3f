"""A job as a container of one image, and of another: `python -m benchmarks.images ROUNDS IMAGE...`.

An S3 server on this machine gets the sample feed's first two deliveries, and the first image brings them to
Gold. Then each round runs the second day's jobs, which find nothing new (starting and reading are all of
their work), as a container of each image in turn, and at the end the medians are printed: seconds from
`docker run` to the end, and seconds of processor time. The last image is what the others are compared with.
An image may have settings of its own behind commas, such as mlb/spark-jobs:plain,MLB_COMPILER=c2.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from spark_jobs.sample_feed import write_sample_feed
from tests.s3_server import KEYS, client_of, s3_server

JOBS = ("ingest", "etl", "load", "aggregate")
FIRST, SECOND = "2023-10-01", "2023-10-02"
#: The end of a container's output: its cgroup's processor time, of version 1 (ns) or 2 (µs).
_TELL = (
    "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || "
    "sed -n 's/usage_usec \\(.*\\)/\\1000/p' /sys/fs/cgroup/cpu.stat"
)


def main() -> None:
    """Run the rounds and print the medians."""
    rounds, images = int(sys.argv[1]), sys.argv[2:]
    measured: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    with s3_server("mlb") as endpoint:
        environment = _environment(endpoint)
        _deliver(endpoint)
        _run(images[0], f"run --from {FIRST} --to {SECOND}", environment)
        for turn in range(rounds):
            for job in JOBS:
                # Each round begins with another image.
                for image in images[turn % len(images) :] + images[: turn % len(images)]:
                    measured[job, image].append(_run(image, f"{job} --date {SECOND}", environment))
                    print(turn, job, image, *measured[job, image][-1], file=sys.stderr, flush=True)
    _show(measured, images)


def _environment(endpoint: str) -> dict[str, str]:
    return {
        **KEYS,
        "MLB_S3_ENDPOINT": endpoint,
        "MLB_S3_PATH_STYLE": "true",
        "MLB_S3_REGION": "us-east-1",
        "MLB_LANDING": "s3a://mlb/landing",
        "MLB_LAKE": "s3a://mlb/lake",
        "MLB_LOG_FORMAT": "json",
        "MLB_PSEUDONYM_KEY": "a-key-for-the-bench-that-is-long-enough-9876543210",
    }


def _deliver(endpoint: str) -> None:
    s3 = client_of(endpoint)
    with tempfile.TemporaryDirectory() as folder:
        write_sample_feed(Path(folder))
        for day in (FIRST, SECOND):
            for file in sorted(Path(folder, "employees", day).iterdir()):
                s3.upload_file(str(file), "mlb", f"landing/employees/{day}/{file.name}")


def _run(image: str, arguments: str, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds, and seconds of processor time, of one container."""
    image, *own = image.split(",")
    variables = [f"--env={setting}" for setting in (*(f"{n}={v}" for n, v in environment.items()), *own)]
    command = ["docker", "run", "--rm", "--network=host", "--tmpfs=/tmp:exec,size=2g", *variables]
    # The plain recipe's image has it in no path, but for its entry point.
    script = (
        f"PATH=/opt/mlb/bin:$PATH; spark-jobs {arguments} >/tmp/told 2>/tmp/log "
        f"|| {{ tail -n 1 /tmp/log >&2; exit 1; }}; {_TELL}"
    )
    started = time.monotonic()
    done = subprocess.run(
        [*command, "--entrypoint=bash", image, "-c", script], capture_output=True, text=True
    )
    seconds = time.monotonic() - started
    if done.returncode:
        raise SystemExit(f"spark-jobs {arguments} of {image} ended with {done.returncode}: {done.stderr}")
    return round(seconds, 1), round(int(done.stdout) / 1e9, 1)


def _show(measured: dict[tuple[str, str], list[tuple[float, float]]], images: list[str]) -> None:
    for job in JOBS:
        medians = {
            image: [statistics.median(values) for values in zip(*measured[job, image], strict=True)]
            for image in images
        }
        last = medians[images[-1]]
        for image, (seconds, busy) in medians.items():
            ratios = {"seconds": round(seconds / last[0], 2), "cpu": round(busy / last[1], 2)}
            print(
                json.dumps({"job": job, "image": image, "seconds": seconds, "cpu": busy, "ratios": ratios})
            )


if __name__ == "__main__":
    main()
