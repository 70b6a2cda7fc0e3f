"""Sets up the project's own environment in .venv: packages, Delta's jars and, if need be, Java.

`set_up.py s3` makes besides the jars that tables on S3 need, which the embedded default does without.
`set_up.py airflow` makes .venv-airflow in its place: Airflow and the DAGs' package. Airflow's versions and
those of the jobs have nothing to do with each other, as their images have not.
`set_up.py bench` makes .venv-bench besides: the engines that `make bench` measures the pipeline beside.
`set_up.py audit` makes .venv-audit in its place: what looks packages up among known vulnerabilities.
Runs with any python3 of 3.11 or later and nothing else. Does again only what a changed lock file
asks for. Lock files carry names, versions and hashes; where packages come from is for pip's and
Ivy's own settings to say.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
AIRFLOW_VENV = ROOT / ".venv-airflow"
BENCH_VENV = ROOT / ".venv-bench"
AUDIT_VENV = ROOT / ".venv-audit"
LOCKS = ROOT / "requirements"
JARS = VENV / "jars"
S3_JARS = VENV / "jars-s3"


def main() -> None:
    """Bring the environment up to the lock files."""
    if sys.version_info < (3, 11):  # noqa: UP036 (this runs before pip has checked it)
        stop(f"This project needs Python 3.11 or later; {sys.executable} is {sys.version.split()[0]}.")
    if "airflow" in sys.argv[1:]:
        set_up_airflow()
        return
    if "audit" in sys.argv[1:]:
        set_up_audit()
        return
    if "bench" in sys.argv[1:]:
        set_up_bench()
    make_venv(VENV)
    # pyspark comes as source: it is built with the locked tools, not with whatever is newest.
    install("build", "--require-hashes")
    install("dev", "--require-hashes", "--no-deps", "--no-build-isolation")
    install("sample", "--require-hashes", "--no-deps")
    install("observability", "--require-hashes", "--no-deps")
    once(
        "project",
        [ROOT / "pyproject.toml"],
        lambda: pip("-e", str(ROOT), "--no-deps", "--no-build-isolation"),
    )
    java = installed_java()
    if not java:
        install("java", "--require-hashes", "--no-deps")
    once("jars", [LOCKS / "jars.lock"], fetch_jars)
    once("class-data", class_data_files(java), make_class_data)
    if "s3" in sys.argv[1:]:
        sources = sorted((ROOT / "java").rglob("*.java"))
        once("jars-s3", [LOCKS / "jars-s3.lock", ROOT / "tools" / "s3_jars.py", *sources], make_s3_jars)


def set_up_airflow() -> None:
    """Bring Airflow's environment up to its lock file, with mlb_airflow as it is in the tree."""
    make_venv(AIRFLOW_VENV)
    install("airflow-dev", "--require-hashes", "--no-deps", venv=AIRFLOW_VENV)
    package = ROOT / "mlb_airflow"
    once(
        "mlb_airflow",
        [package / "pyproject.toml"],
        lambda: pip("-e", str(package), "--no-deps", "--no-build-isolation", venv=AIRFLOW_VENV),
        AIRFLOW_VENV,
    )


def set_up_bench() -> None:
    """Bring the benchmark's environment up to its lock file; the sample feed's data is in it, too."""
    make_venv(BENCH_VENV)
    install("bench", "--require-hashes", "--no-deps", venv=BENCH_VENV)
    install("sample", "--require-hashes", "--no-deps", venv=BENCH_VENV)


def set_up_audit() -> None:
    """Bring the audit's environment up to its lock file."""
    make_venv(AUDIT_VENV)
    install("audit", "--require-hashes", "--no-deps", venv=AUDIT_VENV)


def make_venv(venv: Path) -> None:
    """Make a virtual environment where there is none."""
    if not python(venv).exists():
        step(f"making {venv.name}", [sys.executable, "-m", "venv", str(venv)])


def python(venv: Path) -> Path:
    """A virtual environment's interpreter."""
    return venv / "bin" / "python"


def install(lock: str, *options: str, venv: Path = VENV) -> None:
    """Install a lock file once."""
    file = LOCKS / f"{lock}.lock"
    once(lock, [file], lambda: pip(*options, "-r", str(file), venv=venv), venv)


def once(name: str, files: list[Path], work, venv: Path = VENV) -> None:
    """Do a piece of work in an environment unless it has been done for these files as they are."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    mark = venv / "set-up" / name
    if mark.exists() and mark.read_text() == digest:
        return
    work()
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(digest)


def pip(*arguments: str, venv: Path = VENV) -> None:
    """Run an environment's pip."""
    said = [argument for argument in arguments if not argument.startswith("--")]
    step(f"installing {Path(said[-1]).name}", [str(python(venv)), "-m", "pip", "install", "-q", *arguments])


def installed_java() -> Path | None:
    """The home of the Java 17 or later that Spark will find on this machine, if there is one."""
    code = "from spark_jobs.lake.java import installed_java_home; print(installed_java_home() or '')"
    asked = [str(python(VENV)), "-c", code]
    home = subprocess.run(asked, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return Path(home) if home else None


def fetch_jars() -> None:
    """Fetch the jars of jars.lock by their Maven coordinates."""
    shutil.rmtree(JARS, ignore_errors=True)
    tool("fetching Delta's jars", "fetch_jars.py", LOCKS / "jars.lock", JARS)


def class_data_files(java: Path | None) -> list[Path]:
    """What makes a class-data archive another: the jars, Java, and how it is made."""
    runtime = [java / "bin" / "java", java / "release"] if java else [LOCKS / "java.lock"]
    runtime = [file for file in runtime if file.exists()]
    return [LOCKS / "dev.lock", LOCKS / "jars.lock", ROOT / "tools" / "class_data.py", *runtime]


def make_class_data() -> None:
    """Make the archive of the jobs' classes, by which each command starts some seconds sooner."""
    tool("making an archive of Spark's classes", "class_data.py", VENV / "class-data.jsa", needed=False)


def make_s3_jars() -> None:
    """Make the jars that tables on S3 need beside Delta's."""
    shutil.rmtree(S3_JARS, ignore_errors=True)
    tool("making the jars for S3 (641 MB to download, once)", "s3_jars.py", S3_JARS)


def tool(name: str, script: str, *arguments: Path, needed: bool = True) -> None:
    """Run a script of tools/ with the environment's Python."""
    step(name, [str(python(VENV)), str(ROOT / "tools" / script), *map(str, arguments)], needed)


def step(name: str, command: list[str], needed: bool = True) -> None:
    """Run a command quietly; show what it said only where it fails, and go on where it is not needed."""
    started = time.monotonic()
    print(f"set-up: {name} ...", end=" ", flush=True, file=sys.stderr)
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    if done.returncode:
        hint = ""
        if "ensurepip" in done.stdout + done.stderr:
            hint = " Install the package python3-venv, remove .venv, and try again."
        sentence = f"{done.stdout}{done.stderr}\nset-up: {name} failed.{hint}"
        if needed:
            stop(sentence)
        print(f"{sentence} It goes without.", file=sys.stderr)


def stop(sentence: str) -> None:
    """End with a sentence."""
    raise SystemExit(sentence)


if __name__ == "__main__":
    main()
