"""The servers of the metrics' tests: prometheus, promtool, alertmanager, amtool, statsd_exporter.

The first four are those that are installed, else Debian's packages, unpacked into a cache of this user:
nothing is installed, no service is started, no right is needed. statsd_exporter is built with Go from the
sources that its image is built from.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPORTER = ROOT / "docker" / "statsd-exporter"
#: Name of a program → Debian's package of it, and how the package calls it.
DEBIAN = {
    "prometheus": ("prometheus", "prometheus"),
    "promtool": ("prometheus", "promtool"),
    "alertmanager": ("prometheus-alertmanager", "prometheus-alertmanager"),
    "amtool": ("prometheus-alertmanager", "amtool"),
}


def program(name: str) -> str:
    """The path of one of the programs of DEBIAN; fetched first, if need be."""
    package, called = DEBIAN[name]
    found = shutil.which(called) or shutil.which(name)
    if found:
        return found
    folder = _cache() / package
    if not folder.exists():
        _once(folder, lambda unfinished: _unpack(package, unfinished))
    return str(folder / "usr" / "bin" / called)


def statsd_exporter() -> str:
    """The path of statsd_exporter as the image has it; built first, if need be."""
    digest = hashlib.sha256((EXPORTER / "go.mod").read_bytes() + (EXPORTER / "go.sum").read_bytes())
    folder = _cache() / f"statsd-exporter-{digest.hexdigest()[:12]}"
    if not folder.exists():
        _once(folder, _build)
    return str(folder / "statsd_exporter")


def _cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mlb-observability-tools"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _once(folder: Path, make) -> None:
    """Make a folder whole or not at all, also where two make it at once."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        unfinished = Path(place) / "made"
        unfinished.mkdir()
        make(unfinished)
        if not folder.exists():
            unfinished.rename(folder)


def _unpack(package: str, folder: Path) -> None:
    if not shutil.which("apt-get"):
        raise SystemExit(
            f"{package} is not installed, and only Debian's package of it is known here: install "
            "Prometheus "
            "2.42 or later and Alertmanager 0.25 or later, with promtool and amtool, and run this again."
        )
    print(
        f"set-up: fetching Debian's package {package} (once, into {folder.parent.parent})", file=sys.stderr
    )
    with tempfile.TemporaryDirectory() as downloads:
        fetch = ["apt-get", "download", "-qq", package]
        done = subprocess.run(fetch, cwd=downloads, capture_output=True, text=True)
        if done.returncode and os.geteuid() == 0:
            # A fresh machine has no lists of packages.
            subprocess.run(["apt-get", "update", "-qq"], capture_output=True)
            done = subprocess.run(fetch, cwd=downloads, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(
                f"Debian's package {package} could not be fetched: {done.stderr.strip()} (where the lists "
                "are "
                "old or missing, run `apt-get update` first)"
            )
        (file,) = Path(downloads).glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", str(file), str(folder)], check=True)


def _build(folder: Path) -> None:
    go = shutil.which("go")
    if not go:
        raise SystemExit("statsd_exporter is built with Go, which is not here: install Go 1.26 or later.")
    print("set-up: building statsd_exporter (a minute, once)", file=sys.stderr)
    command = [go, "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", str(folder)]
    environment = {**os.environ, "CGO_ENABLED": "0"}
    subprocess.run(
        [*command, "github.com/prometheus/statsd_exporter"], cwd=EXPORTER, env=environment, check=True
    )


if __name__ == "__main__":
    for each in DEBIAN:
        print(program(each))
    print(statsd_exporter())
