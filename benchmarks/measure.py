"""Runs one contender once, in a process of its own, and measures it from outside."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.clones import Written, clone, written_since
from benchmarks.contenders import CONTENDERS
from benchmarks.oracle import Fingerprint, fingerprint

ROOT = Path(__file__).resolve().parent.parent
_EVERY = 0.2


class ContenderFailed(Exception):
    """A contender ended without having done its work; the sentence says which, and where its log is."""


@dataclass
class Measured:
    """One run: seconds until the engine stood, of the first (cold) delivery and of the same again (warm).

    `peak_bytes` is the most that the process and its children had in memory (PSS: shared pages once)
    until the first delivery was in; `read_bytes` what they read by system calls meanwhile, from the disk
    or its cache; `work` what Spark counted of the first delivery
    (spark_work.SparkWork).
    """

    contender: str
    start_s: float
    cold_s: float
    warm_s: float | None
    parts: dict[str, float]
    peak_bytes: int
    read_bytes: int
    written: Written
    work: dict[str, int]
    silver: Fingerprint | None = None

    def as_json(self) -> dict:
        """For the file of all figures."""
        return {name: value for name, value in asdict(self).items() if name != "silver"}


@dataclass
class _Watch:
    """Samples the memory of a process and its children until told to stop."""

    pid: int
    peak: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stopped.wait(_EVERY):
            self.peak = max(self.peak, sum(map(_memory, tree(self.pid))))


def run_once(name: str, scenario: Path, runs: Path, memory: str, *, warm: bool, check: bool) -> Measured:
    """Bring a scenario's delivery into clones of its state."""
    state = scenario / "state"
    copies = [runs / "cold", *([runs / "warm"] if warm else [])]
    for copy in copies:
        clone(state, copy)
    bronze, asked = str(scenario / "bronze"), "check" if check else "-"
    python = ROOT / CONTENDERS[name].environment / "bin" / "python"
    command = [str(python), "-m", "benchmarks.contend", name, bronze, memory, asked, *map(str, copies)]
    errors = runs / f"{name}.stderr"
    started = time.monotonic()
    with errors.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True)
    watch = _Watch(process.pid)
    threading.Thread(target=watch.run, daemon=True).start()
    said: dict[str, list[dict]] = {}
    read_before = read_after = peak = 0
    start_s = 0.0
    for event in _events(process):
        kind = event["bench"]
        said.setdefault(kind, []).append(event)
        if kind == "ready":
            start_s, read_before = time.monotonic() - started, _read_bytes(process.pid)
        elif kind == "done" and not peak:
            watch.stopped.set()
            read_after = _read_bytes(process.pid)
            peak = max(watch.peak, sum(map(_memory, tree(process.pid))))
    watch.stopped.set()
    if process.wait() or "done" not in said:
        raise ContenderFailed(f"{name} failed on {scenario.name}: {errors} says why.")
    done = said["done"]
    found = said.get("silver")
    return Measured(
        contender=name,
        start_s=round(start_s, 3),
        cold_s=done[0]["seconds"],
        warm_s=done[1]["seconds"] if len(done) > 1 else None,
        parts=done[0]["parts"],
        peak_bytes=peak,
        read_bytes=read_after - read_before,
        written=written_since(state, copies[0]),
        work=done[0]["work"],
        silver=fingerprint([tuple(row) for row in found[0]["fingerprint"]]) if found else None,
    )


def _events(process: subprocess.Popen) -> Iterator[dict]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith('{"bench"'):
            yield json.loads(line)


def tree(pid: int) -> list[int]:
    """A process and all that came of it."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = Path(entry.path, "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found


def _memory(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _read_bytes(pid: int) -> int:
    total = 0
    for process in tree(pid):
        try:
            lines = Path(f"/proc/{process}/io").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("rchar:"))
    return total
