"""The servers of the metrics' tests: prometheus, promtool, alertmanager, amtool, and two exporters.

The first four are Debian's packages, installed if they are missing (no service is started). statsd_exporter
is built with Go, from the sources that its image is built from, and so is kube-state-metrics, from those
that tools/kube-state-metrics pins, into a cache of this user.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("prometheus", "prometheus-alertmanager")
#: A program → how Debian calls it.
PROGRAMS = {
    "prometheus": "prometheus",
    "promtool": "promtool",
    "alertmanager": "prometheus-alertmanager",
    "amtool": "amtool",
}


def program(name: str) -> str:
    """The path of one of PROGRAMS; installed first, if need be."""
    found = shutil.which(PROGRAMS[name]) or shutil.which(name)
    if not found:
        _install()
        found = shutil.which(PROGRAMS[name])
    assert found, f"Debian's packages {', '.join(PACKAGES)} are installed, and {name} is not there."
    return found


def statsd_exporter() -> str:
    """The path of statsd_exporter as the image has it; built first, if need be."""
    return _built(ROOT / "docker" / "statsd-exporter", "github.com/prometheus/statsd_exporter")


def kube_state_metrics() -> str:
    """The path of kube-state-metrics; built first, if need be."""
    return _built(ROOT / "tools" / "kube-state-metrics", "k8s.io/kube-state-metrics/v2")


def _built(module: Path, package: str) -> str:
    """The program of a Go package, of the versions that a module pins."""
    digest = hashlib.sha256((module / "go.mod").read_bytes() + (module / "go.sum").read_bytes())
    folder = _cache() / f"{module.name}-{digest.hexdigest()[:12]}"
    if not folder.exists():
        _once(folder, partial(_build, module, package))
    (built,) = folder.iterdir()
    return str(built)


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


def _install() -> None:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise SystemExit(
            "Prometheus and Alertmanager are not installed: let somebody who may install Debian's packages "
            f"{' and '.join(PACKAGES)}, or put prometheus, promtool, alertmanager and amtool into the PATH."
        )
    print(f"set-up: installing Debian's packages {', '.join(PACKAGES)} (once)", file=sys.stderr)
    # In runlevel 1 packages start no service; the lock may be another installation's for a while.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = [
        "apt-get",
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        "-o",
        "DPkg::Lock::Timeout=600",
    ]
    for command in (["apt-get", "update", "-qq"], [*install, *PACKAGES]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"`{' '.join(command)}` failed: {done.stdout}{done.stderr}")


def _build(module: Path, package: str, folder: Path) -> None:
    go = shutil.which("go")
    if not go:
        raise SystemExit(f"{module.name} is built with Go, which is not here: install Go 1.26 or later.")
    print(f"set-up: building {module.name} (a minute or two, once)", file=sys.stderr)
    command = [go, "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", f"{folder}/", package]
    subprocess.run(command, cwd=module, env={**os.environ, "CGO_ENABLED": "0"}, check=True)


if __name__ == "__main__":
    for each in PROGRAMS:
        print(program(each))
    print(statsd_exporter())
