"""When a process of the crowd is killed: at a commit of its own, before, after or while the store takes it.

before   the commit never reaches the store
after    the store has it, and the process does not learn that
late     the store gets it when the process that came after the killed one is about to commit the same
"""

import random
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.s3.proxy import Answer, NoAnswer, Request, Rule

BEFORE, AFTER, LATE = MOMENTS = ("before", "after", "late")
_COMMIT = re.compile(r"/_delta_log/\d{20}\.json$")


@dataclass
class Killing:
    """Kills one of the processes at every so many commits, and says who, when and at which version.

    `kill` ends a process at once. One that has come to its end is not chosen.
    """

    every: int
    names: Sequence[str]
    seed: int
    kill: Callable[[str], None]
    commits: int = 0
    told: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._alive = set(self.names)
        self._lock = threading.Lock()
        self._victim: str | None = None
        self._held: dict[str, Request] = {}

    def end(self, name: str) -> None:
        """Say that a process has made all of its commits."""
        with self._lock:
            self._alive.discard(name)
            if self._victim == name:
                self._victim = self._next_victim()

    def rule(self, name: str) -> Rule:
        """What the proxy of one process asks of each of its requests."""

        def passed(request: Request) -> Answer | None:
            path = request.path.split("?")[0]
            if request.method != "PUT" or not _COMMIT.search(path):
                return None
            return self._commit(name, request, path.rsplit("/", 1)[-1])

        return passed

    def _commit(self, name: str, request: Request, version: str) -> Answer | None:
        with self._lock:
            moment = self._moment(name, version)
            late = self._held.pop(name, None)
            if moment == LATE:
                self._held[name] = request
        if late:
            self._send(late)
        if moment is None:
            return self._send(request)
        if moment == AFTER:
            self._send(request)
        self.kill(name)
        raise NoAnswer

    def _moment(self, name: str, version: str) -> str | None:
        if self._victim != name:
            return None
        self._victim = None
        moment = MOMENTS[len(self.told) % len(MOMENTS)]
        self.told.append((name, moment, version))
        return moment

    def _send(self, request: Request) -> Answer:
        answer = request.send()
        with self._lock:
            if answer.status == 200:
                self.commits += 1
                if self.commits % self.every == 0:
                    self._victim = self._next_victim()
        return answer

    def _next_victim(self) -> str | None:
        return self._random.choice(sorted(self._alive)) if self._alive else None
