"""Looks what this project depends on up among known vulnerabilities: `make audit`.

Python packages: every lock of requirements/, by pip-audit, in OSV's database (PIP_AUDIT_OSV_URL: in another
one that speaks the same). Debian's packages: those of each image for which Debian's security archive has a
newer version. requirements/audit-exceptions.toml lists what is accepted, why, and until when.

Ends with 0 where nothing is known, 1 where something is that is not accepted, 2 where somebody could not be
asked: what has not been looked up is not safe, so that is no success.
"""

import datetime as dt
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
EXCEPTIONS = LOCKS / "audit-exceptions.toml"
#: Of apt's simulated upgrade: package, version that is there, version that there is, and its archive.
_UPGRADE = re.compile(r"Inst (?P<name>\S+) \[(?P<old>\S+)\] \((?P<new>\S+) (?P<archive>\S+)")
_ASK_DEBIAN = "grep -rqs security /etc/apt/sources.list* && apt-get update -qq && apt-get -s -qq upgrade"


class NotAsked(Exception):
    """Nobody could be asked; the message says who, and why."""


@dataclass(frozen=True)
class Finding:
    """A known vulnerability, or a security update, of something in one place."""

    place: str
    package: str
    version: str
    names: tuple[str, ...]
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.package} {self.version}: {', '.join(self.names)}; {self.remedy}"


@dataclass(frozen=True)
class Accepted:
    """A vulnerability that is accepted for a time."""

    id: str
    package: str
    reason: str
    until: dt.date

    def covers(self, finding: Finding) -> bool:
        """Whether it speaks of this finding."""
        return self.id in finding.names and self.package == finding.package


def main() -> None:
    """Ask, judge, tell."""
    accepted = exceptions(EXCEPTIONS.read_text())
    found: list[Finding] = []
    unasked: dict[str, list[str]] = {}
    places = [*_locks(), *_images(sys.argv[1:])]
    for place, ask in places:
        try:
            found.extend(ask())
        except NotAsked as reason:
            unasked.setdefault(str(reason), []).append(place)
    wrong = judged(found, accepted, dt.date.today())
    for sentence in wrong:
        print(f"audit: {sentence}")
    for reason, without in unasked.items():
        print(f"audit: not looked up: {', '.join(without)}: {reason}")
    asked = len(places) - sum(map(len, unasked.values()))
    print(f"audit: {asked} of {len(places)} places looked up; {len(wrong)} sentences above want an answer")
    sys.exit(1 if wrong else 2 if unasked else 0)


def exceptions(text: str) -> list[Accepted]:
    """The accepted vulnerabilities that a file lists; a sentence where one lacks something."""
    listed = []
    for number, entry in enumerate(tomllib.loads(text).get("exception", []), start=1):
        until = entry.get("until")
        complete = all(str(entry.get(key, "")).strip() for key in ("id", "package", "reason"))
        if not complete or not isinstance(until, dt.date):
            raise SystemExit(
                f"{EXCEPTIONS.name}: exception {number} needs id, package, reason and until (a date)."
            )
        listed.append(Accepted(entry["id"], entry["package"], entry["reason"], until))
    return listed


def judged(found: Iterable[Finding], accepted: list[Accepted], today: dt.date) -> list[str]:
    """A sentence for each finding that is not accepted, and for each exception that is over or needless."""
    found = list(found)
    valid = [each for each in accepted if each.until >= today]
    sentences = [str(f) for f in found if not any(each.covers(f) for each in valid)]
    for each in accepted:
        if each.until < today:
            sentences.append(
                f"the exception for {each.id} of {each.package} was until {each.until}: decide again"
            )
        elif not any(each.covers(finding) for finding in found):
            sentences.append(
                f"the exception for {each.id} of {each.package} covers nothing: take it off the list"
            )
    return sentences


def python_findings(place: str, report: dict[str, Any]) -> list[Finding]:
    """What a report of pip-audit says; packages that it has skipped were not asked about."""
    skipped = [each["name"] for each in report["dependencies"] if "skip_reason" in each]
    if skipped:
        raise NotAsked(
            f"the database does not know {len(skipped)} packages, {skipped[0]} the first of them"
        )
    return [
        Finding(
            place,
            each["name"],
            each["version"],
            (known["id"], *known["aliases"]),
            f"mended in {', '.join(known['fix_versions']) or 'no version yet'}",
        )
        for each in report["dependencies"]
        for known in each["vulns"]
    ]


def debian_findings(image: str, said: str) -> list[Finding]:
    """What apt would upgrade from a security archive."""
    upgrades = [match for line in said.splitlines() if (match := _UPGRADE.match(line))]
    return [
        Finding(image, u["name"], u["old"], (f"security update {u['new']}",), "build the image again")
        for u in upgrades
        if "security" in u["archive"].lower()
    ]


def _locks() -> Iterator[tuple[str, Callable[[], list[Finding]]]]:
    for lock in sorted(LOCKS.glob("*.lock")):
        # Jars have locks of their own kind.
        if not lock.name.startswith("jars"):
            yield lock.name, lambda lock=lock: _ask_osv(lock)


def _images(names: list[str]) -> Iterator[tuple[str, Callable[[], list[Finding]]]]:
    for name in names:
        yield name, lambda name=name: _ask_debian(name)


def _ask_osv(lock: Path) -> list[Finding]:
    program = Path(sys.executable).with_name("pip-audit")
    if not program.exists():
        raise NotAsked(f"pip-audit is not beside {sys.executable}: `make audit` sets it up")
    options = ["-s", "osv", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
    done = subprocess.run([program, *options, "-r", lock], capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise NotAsked(
            f"no database of known vulnerabilities answers here ({last.split(':')[0]})"
        ) from None
    return python_findings(lock.name, report)


def _ask_debian(image: str) -> list[Finding]:
    command = ["docker", "run", "--rm", "--user", "0", "--network", "host", "--entrypoint", "sh", image]
    if not shutil.which(command[0]):
        raise NotAsked("docker is not on this machine")
    done = subprocess.run([*command, "-c", _ASK_DEBIAN], capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it names no security archive"])[-1]
        raise NotAsked(f"its Debian cannot be asked ({last[:200]})")
    return debian_findings(image, done.stdout)


if __name__ == "__main__":
    main()
