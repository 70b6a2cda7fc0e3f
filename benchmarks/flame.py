"""A flame graph of the driver: `python -m benchmarks.flame FOLDER SCENARIO [gold]`.

Runs `benchmarks.profile`, which takes the same arguments, while Java Flight Recorder looks at every thread
that runs, and draws what it has seen as FOLDER/SCENARIO.html: the wider a frame, the longer it ran. Runs in
.venv, and with the JDK's tools; fetches the converter, once.
"""

import os
import subprocess
import sys
from pathlib import Path

from spark_jobs.lake.java import find_java_home

ROOT = Path(__file__).parents[1]
_LOCK, _CONVERTER = ROOT / "requirements" / "flame.lock", ROOT / "build" / "flame"
#: A stack that is cut has no root, and is drawn as one of its own.
_DEPTH = 1024


def main() -> None:
    """Record a delivery and draw it."""
    folder, scenario = Path(sys.argv[1]).absolute(), sys.argv[2]
    recording, picture = folder / f"{scenario}.jfr", folder / f"{scenario}.html"
    asked = f"-XX:StartFlightRecording=filename={recording},settings=profile,dumponexit=true"
    options = f"{asked} -XX:FlightRecorderOptions=stackdepth={_DEPTH}"
    command = [sys.executable, "-m", "benchmarks.profile", *sys.argv[1:]]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "JAVA_TOOL_OPTIONS": options}, check=True)
    java = Path(find_java_home()) / "bin" / "java"
    subprocess.run([java, "-jar", _converter(), "--cpu", "--dot", recording, picture], check=True)
    print(f"flame graph: {picture}")


def _converter() -> Path:
    if not list(_CONVERTER.glob("*.jar")):
        fetch = [sys.executable, str(ROOT / "tools" / "fetch_jars.py"), str(_LOCK), str(_CONVERTER)]
        subprocess.run(fetch, cwd=ROOT, check=True)
    (jar,) = _CONVERTER.glob("*.jar")
    return jar


if __name__ == "__main__":
    main()
