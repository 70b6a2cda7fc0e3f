"""The chart of the jobs as a release of a test's own, in a namespace of its own, and its pods.

The image (MLB_IMAGE, by default what `make images` builds) has to be in the cluster.
"""

import datetime as dt
import json
import os
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from tests.e2e.cluster import CHART, ROOT, Namespace, helm, new_namespace
from tests.lakes import DAY
from tests.s3_server import KEYS
from tests.waiting import wait_until

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
IMAGE, _, TAG = os.environ.get("MLB_IMAGE", f"mlb/spark-jobs:{VERSION}").rpartition(":")
#: A pod takes a minute or two where a machine has two processors and the cluster's own work to do.
LONGEST = 600


@dataclass(frozen=True)
class Platform:
    """The chart's release in a namespace, and how a launcher uses it."""

    namespace: Namespace
    s3: str
    options: Sequence[str]

    def deploy(self, **values: Any) -> None:
        """Install the release, or give it other values; `lake` is a prefix of the bucket."""
        place = f"lake=s3a://mlb/{values.pop('lake', 'lake')},s3.endpoint={self.s3}"
        port = self.s3.rpartition(":")[2]
        image = f"image.repository={IMAGE},image.tag={TAG},networkPolicy.s3.ports={{{port}}}"
        given = ",".join(f"{name.replace('__', '.')}={value}" for name, value in values.items())
        helm(
            *("upgrade", "--install", "spark-jobs", CHART, "-n", self.namespace.name, *self.options),
            *("--set", f"{place},{image}", "--set", given),
        )

    def launch(self, job: str, day: dt.date = DAY) -> "Pod":
        """Start a job's pod from its template, as Airflow does."""
        templates = self.namespace.get("configmap", "spark-jobs-pod-templates")["data"]
        pod = yaml.safe_load(templates[f"{job}.yaml"])
        pod["metadata"]["labels"] |= {"mlb/delivery-date": str(day), "mlb/run-id": f"e2e-{job}"}
        created = self.namespace.kubectl("create", "-o", "name", "-f", "-", given=yaml.safe_dump(pod))
        return Pod(self.namespace, created.strip())

    def run(self, *jobs: str) -> list[dict[str, Any]]:
        """Run jobs one after the other, each of which must succeed; what they told."""
        told = [self.launch(job).told() for job in jobs]
        assert [message.get("error") for message in told] == [None] * len(jobs)
        return told


@dataclass(frozen=True)
class Pod:
    """A job's pod."""

    namespace: Namespace
    name: str

    def told(self) -> dict[str, Any]:
        """The termination message, once the pod has ended."""
        wait_until(lambda: self._phase() in ("Succeeded", "Failed"), LONGEST)
        return json.loads(self._terminated()["message"])

    def seconds(self) -> float:
        """From when an ended pod was created to when its container ended."""
        created, _, ended = self.times()
        return (ended - created).total_seconds()

    def times(self) -> tuple[dt.datetime, dt.datetime, dt.datetime]:
        """When an ended pod was created, and when its container started and ended; to the second."""
        created = self.namespace.get(self.name)["metadata"]["creationTimestamp"]
        of_container = self._terminated()
        started, ended = of_container["startedAt"], of_container["finishedAt"]
        times = [dt.datetime.fromisoformat(time) for time in (created, started, ended)]
        return times[0], times[1], times[2]

    def executors(self) -> int:
        """How many executors' pods there are that belong to this driver."""
        pods = self.namespace.get("pods", "-l", "app.kubernetes.io/component=executor")["items"]
        owners = [owner["name"] for pod in pods for owner in pod["metadata"].get("ownerReferences", [])]
        return owners.count(self.name.removeprefix("pod/"))

    def delete(self, *how: str) -> None:
        """Delete the pod, and see that its executors go with it."""
        self.namespace.kubectl("delete", self.name, *how)
        wait_until(lambda: not self.executors(), 120)

    def ended(self) -> bool:
        """Whether it has ended before its time."""
        return self._phase() in ("Succeeded", "Failed")

    def _phase(self) -> str:
        return self.namespace.get(self.name)["status"]["phase"]

    def _terminated(self) -> dict[str, Any]:
        return self.namespace.get(self.name)["status"]["containerStatuses"][0]["state"]["terminated"]


@contextmanager
def released(name: str, s3: str, options: Sequence[str], key: str) -> Iterator[Platform]:
    """A namespace with the chart's secrets, into which the release can be deployed; removed afterwards."""
    with new_namespace(name) as namespace:
        keys = zip(("access-key-id", "secret-access-key"), KEYS.values(), strict=True)
        literals = [f"--from-literal={name}={value}" for name, value in keys]
        namespace.kubectl("create", "secret", "generic", "mlb-s3", *literals)
        namespace.kubectl("create", "secret", "generic", "mlb-pseudonym-key", f"--from-literal=key={key}")
        yield Platform(namespace, s3, options)
