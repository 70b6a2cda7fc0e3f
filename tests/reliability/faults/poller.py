"""The readers: a process of its own that looks at Silver and Gold, again and again, while jobs meet faults.

It sees what people see who read a table's newest version, and what those see who read all tables at the
versions of the newest point of the ledger. Commands come on standard input, a line each, and are answered
by a line of JSON: `watch FOLDER` when all has been looked at once, `round` when all has been
looked at once more since, `report` with what has been seen.
"""

import dataclasses
import json
import select
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from metrics_exporter.lake import LakeReader
from tests.reliability.faults.reading import READ, RUNS, content, newest_point, tables_of

#: Seconds between two looks, in which the job under test gets on.
_PAUSE = 0.1


@dataclass
class Seen:
    """What readers have seen: of each table alone the contents, with the version of each; of the points the
    contents of all tables together, as JSON.

    `beside` are the contents of all tables together at their newest versions, `wrong` what could not be
    read though it should, `gone` the points of which a table could no longer be read, `rounds` how often
    all was looked at.
    """

    alone: dict[str, dict[str, int]] = field(default_factory=dict)
    points: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    rounds: int = 0


class Watcher:
    """Looks at one lake."""

    def __init__(self, lake: Path) -> None:
        self.seen = Seen()
        self._lake = lake
        self._reader = LakeReader(str(lake))
        self._contents: dict[tuple[str, int], str] = {}
        self._newest: dict[str, int] = {}
        self._ledger = -1
        self._point: dict[str, int] | None = None

    def look(self) -> None:
        """Look at every table, and at the newest point, once."""
        for name in sorted({*tables_of(self._lake, *READ), *self._newest}):
            self._look_at(name)
        together = {name: self._contents[name, version] for name, version in self._newest.items()}
        _add(self.seen.beside, json.dumps(together, sort_keys=True))
        self._look_at_point()
        self.seen.rounds += 1

    def _look_at(self, name: str) -> None:
        newest = self._version(name)
        if newest is None:
            self.seen.wrong.append(f"{name} is gone")
            return
        # Every version that came since the last look, since a reader may have come to each of them.
        for version in range(self._newest.get(name, newest - 1) + 1, newest + 1):
            try:
                self._see(name, version)
            except Exception as error:
                # Only the newest can be read for sure: VACUUM may take the others, and has then gone on.
                if version == newest == self._version(name):
                    self.seen.wrong.append(f"{name} at version {version} cannot be read: {error}")
        if (name, newest) in self._contents:
            self._newest[name] = newest

    def _version(self, name: str) -> int | None:
        table = self._reader.table(name)
        return None if table is None else table.version()

    def _see(self, name: str, version: int) -> None:
        self._contents[name, version] = read = content(self._reader.at(name, version))
        self.seen.alone.setdefault(name, {}).setdefault(read, version)

    def _look_at_point(self) -> None:
        ledger = self._version(RUNS)
        if ledger is None:
            return
        if ledger != self._ledger:
            self._ledger, self._point = ledger, newest_point(self._lake)
        chosen = {name: at for name, at in (self._point or {}).items() if name.startswith(READ)}
        try:
            # Read anew each time: what a point names may be taken away from it.
            read = {name: content(self._reader.at(name, version)) for name, version in chosen.items()}
        except Exception as error:
            _add(self.seen.gone, f"{chosen}: {type(error).__name__}")
            return
        _add(self.seen.points, json.dumps(read, sort_keys=True))


def _add(known: list[str], new: str) -> None:
    if new not in known:
        known.append(new)


def serve() -> None:
    """Look, and answer commands, until standard input ends."""
    watcher: Watcher | None = None
    while True:
        waiting = select.select([sys.stdin], [], [], _PAUSE if watcher else None)[0]
        command = sys.stdin.readline().split(maxsplit=1) if waiting else ["look"]
        if not command:
            return
        if command[0] == "watch":
            watcher = Watcher(Path(command[1].strip()))
        if watcher is None:
            continue
        # Whatever was asked: a look that begins after the question.
        watcher.look()
        if waiting:
            print(json.dumps(dataclasses.asdict(watcher.seen)), flush=True)
        if command[0] == "report":
            watcher = None


class Readers:
    """The process of the readers, as those see it who started it."""

    def __init__(self, tree: Path) -> None:
        command = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(
            command, cwd=tree, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def watch(self, lake: Path) -> None:
        """Look at a lake from now on; returns when all of it has been looked at."""
        self._ask(f"watch {lake}")

    def look(self) -> None:
        """Return when all has been looked at once more."""
        self._ask("round")

    def report(self) -> Seen:
        """What has been seen of the lake, which is not looked at any longer."""
        return self._ask("report")

    def _ask(self, command: str) -> Seen:
        assert self._process.stdin and self._process.stdout
        print(command, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("The readers' process has ended.")
        return Seen(**json.loads(answer))

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)


if __name__ == "__main__":
    serve()
