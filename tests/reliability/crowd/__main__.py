"""Many processes that commit to one table on S3, and one of them killed every few commits: `make crowd`.

    python -m tests.reliability.crowd                                  8 processes, 50 commits each
    python -m tests.reliability.crowd --processes 3 --commits 10       fewer (or MLB_CROWD=3x10)

Each process has a JVM of its own, and a way of its own to an S3 server (moto) that this starts. One that
is killed (kill -9) is started again and goes on. Then the log must have every version from 0 on, every
commit once, and the table every row once. Exit code 1 where it has not.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.reliability.crowd.committer import CROWDED, application
from tests.reliability.crowd.killing import Killing
from tests.reliability.processes import children_of
from tests.reliability.resumable import Result, say
from tests.s3.proxy import Proxy
from tests.s3_server import client_of, s3_server

TREE = Path(__file__).parents[3]
NAME = "processes that commit to one table on S3"
BUCKET = "crowd"


class Crowd:
    """The processes, each started again until it has made all of its commits."""

    def __init__(self, names: list[str], commits: int, every: int, seed: int, folder: Path) -> None:
        self.killing = Killing(every, names, seed, self._kill)
        self.failed: list[str] = []
        self._commits = commits
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._killed: set[str] = set()

    def run(self, endpoint: str) -> None:
        """Start all, and wait until all have ended."""
        with contextlib.ExitStack() as stack:
            proxies = {name: stack.enter_context(Proxy(endpoint)) for name in self.killing.names}
            for name, proxy in proxies.items():
                proxy.rules.append(self.killing.rule(name))
            threads = [
                threading.Thread(target=self._keep_running, args=(name, proxy.url))
                for name, proxy in proxies.items()
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _keep_running(self, name: str, url: str) -> None:
        while True:
            with (self._folder / f"{name}.out").open("ab") as out:
                process = self._running[name] = self._started(name, url, out)
                code = process.wait()
            if name in self._killed:
                self._killed.discard(name)
                continue
            if code:
                said = (self._folder / f"{name}.out").read_text()[-1500:]
                self.failed.append(f"{name} ended with {code}: {said}")
            self.killing.end(name)
            return

    def _started(self, name: str, url: str, out: Any) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "MLB_LAKE": f"s3a://{BUCKET}/lake",
            "MLB_S3_ENDPOINT": url,
            "MLB_MASTER": "local[1]",
            "MLB_DRIVER_MEMORY": "600m",
            "MLB_COMPILER": "c1",
            "MLB_SPARK_LOG": str(self._folder / f"{name}.spark.log"),
        }
        command = [sys.executable, "-m", "tests.reliability.crowd.committer", name, str(self._commits)]
        return subprocess.Popen(command, cwd=TREE, env=environment, stdout=out, stderr=out)

    def _kill(self, name: str) -> None:
        self._killed.add(name)
        process = self._running[name]
        for pid in (*children_of(process.pid), process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        who, moment, version = self.killing.told[-1]
        say(f"{self.killing.commits:4} commits; killed {who}, {moment} its commit {int(version[:20])}")


@contextlib.contextmanager
def store() -> Iterator[tuple[str, Any]]:
    """An S3 server with the bucket, and a client of it."""
    with s3_server(BUCKET) as endpoint:
        yield endpoint, client_of(endpoint)


def log_of(client: Any) -> dict[int, list[dict[str, Any]]]:
    """The table's commits by version: the actions of each."""
    prefix = f"lake/{CROWDED.name}/_delta_log/"
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    commits = [key for key in keys if key.removeprefix(prefix)[:20].isdigit() and key.count(".") == 1]
    return {
        int(key.removeprefix(prefix)[:20]): [
            json.loads(line)
            for line in client.get_object(Bucket=BUCKET, Key=key)["Body"].read().splitlines()
        ]
        for key in sorted(commits)
        if key.endswith(".json")
    }


def wrong(log: dict[int, list[dict[str, Any]]], names: list[str], commits: int) -> Iterator[str]:
    """What of the log is not as it must be."""
    if list(log) != list(range(len(log))):
        yield f"the versions have a gap: {sorted(set(range(max(log) + 1)) - set(log))}"
    made = Counter(
        (action["txn"]["appId"], action["txn"]["version"])
        for actions in log.values()
        for action in actions
        if "txn" in action
    )
    wanted = {(application(name), number) for name in names for number in range(commits)}
    yield from (f"lost: {each}" for each in sorted(wanted - set(made)))
    yield from (f"never asked for: {each}" for each in sorted(set(made) - wanted))
    yield from (f"{times} times: {each}" for each, times in made.items() if times > 1)
    rows = sum(
        json.loads(action["add"]["stats"])["numRecords"]
        for actions in log.values()
        for action in actions
        if "add" in action
    )
    if rows != len(wanted):
        yield f"{rows} rows in place of {len(wanted)}"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability.crowd",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    processes, commits = map(int, os.environ.get("MLB_CROWD", "8x50").split("x"))
    parser.add_argument("--processes", type=int, default=processes, help="[default: %(default)s]")
    parser.add_argument("--commits", type=int, default=commits, help="of each  [default: %(default)s]")
    parser.add_argument("--every", type=int, default=10, help="commits to a kill  [default: %(default)s]")
    seed = int(os.environ.get("MLB_SEED", "20231001"))
    parser.add_argument("--seed", type=int, default=seed, help="who is killed  [default: %(default)s]")
    parser.add_argument("--result", type=Path, help="write here, as JSON, how many were made and lost")
    return parser.parse_args()


def main() -> int:
    given = options()
    names = [f"process{number}" for number in range(given.processes)]
    folder = Path(tempfile.mkdtemp(prefix="crowd-"))
    began = time.monotonic()
    with store() as (endpoint, client):
        crowd = Crowd(names, given.commits, given.every, given.seed, folder)
        crowd.run(endpoint)
        log = log_of(client)
    problems = [*crowd.failed, *wrong(log, names, given.commits)]
    result = Result(NAME, crowd.killing.commits, len(problems), round(time.monotonic() - began, 1))
    if given.result:
        given.result.write_text(json.dumps(vars(result)))
    for problem in problems:
        say(f"LOST  {problem}")
    kills = Counter(moment for _, moment, _ in crowd.killing.told)
    say(
        f"{result.tried} commits of {given.processes} processes, {sum(kills.values())} kills "
        f"({', '.join(f'{count} {moment}' for moment, count in kills.items())}), {len(log)} versions, "
        f"{result.lost} problems, {result.seconds:.0f} s; logs in {folder}"
    )
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
