"""Makes the jars that tables on S3 need: `s3_jars.py FOLDER`.

hadoop-aws as it is, the AWS SDK cut to the services that S3A calls, and this project's own log store
(java/), compiled here. The SDK's bundle holds 401 services in 641 MB, of which S3A uses two; its single
modules are no replacement, since S3A needs classes that only the bundle carries under their shaded names.

The same inputs give the same bytes: entries in the order of the input and with one fixed time.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyspark
from fetch_jars import fetch_jars

from spark_jobs.lake.session import JARS

ROOT = Path(__file__).resolve().parent.parent
#: s3 is the store; sts turns a web identity token (IRSA) into credentials. Pod Identity's credentials come
#: over plain HTTP, and SSE-KMS is done by S3 itself: neither needs a service of its own.
SERVICES = ("s3", "sts")
_SERVICES = "software/amazon/awssdk/services/"
_METADATA = "META-INF/maven/software.amazon.awssdk/"
_BUNDLE = "bundle-*.jar"
#: The oldest time that a zip file can hold.
_TIME = (1980, 1, 1, 0, 0, 0)


def main() -> None:
    """Make all of them in a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        fetched = Path(work) / "fetched"
        fetch_jars(ROOT / "requirements" / "jars-s3.lock", fetched)
        (bundle,) = fetched.glob(_BUNDLE)
        cut = fetched / bundle.name.replace("bundle", "aws-sdk-s3")
        cut_bundle(bundle, cut)
        bundle.unlink()
        compile_log_store(fetched)
        for jar in fetched.glob("*.jar"):
            jar.replace(folder / jar.name)


def cut_bundle(bundle: Path, cut: Path) -> None:
    """Copy the SDK's bundle without the services that are not in SERVICES."""
    with zipfile.ZipFile(bundle) as whole:
        left_out = _services_metadata(whole)
        kept = (entry for entry in whole.infolist() if _is_kept(entry.filename, left_out))
        write_jar(cut, ((entry.filename, whole.read(entry)) for entry in kept if not entry.is_dir()))


def _is_kept(name: str, left_out: set[str]) -> bool:
    if name.startswith(_SERVICES):
        return name.removeprefix(_SERVICES).split("/")[0] in SERVICES
    return name.rsplit("/", 1)[0] not in left_out


def _services_metadata(bundle: zipfile.ZipFile) -> set[str]:
    """The folders of Maven's metadata of services that are left out: it tells what a jar holds."""
    poms = [name for name in bundle.namelist() if name.startswith(_METADATA) and name.endswith("/pom.xml")]
    services = [name for name in poms if b"<artifactId>services</artifactId>" in bundle.read(name)]
    folders = {name.rsplit("/", 1)[0] for name in services}
    return folders - {f"{_METADATA}{service}" for service in SERVICES}


def compile_log_store(jars: Path) -> None:
    """Compile java/ against pyspark's jars, Delta's and those in `jars`, into a jar beside the latter."""
    javac = shutil.which("javac")
    if not javac:
        raise SystemExit(
            "There is no javac on PATH: install a JDK of 17 or later (Debian: apt-get install "
            "openjdk-17-jdk-headless). Only the jars for S3 need it."
        )
    sources = sorted(str(source) for source in (ROOT / "java").rglob("*.java"))
    places = (Path(pyspark.__file__).parent / "jars", JARS, jars)
    class_path = os.pathsep.join(str(jar) for place in places for jar in sorted(place.glob("*.jar")))
    with tempfile.TemporaryDirectory() as work:
        classes = Path(work)
        options = ("-Xlint:all,-path,-processing", "-Werror", "-proc:none", "--release", "17")
        subprocess.run([javac, *options, "-cp", class_path, "-d", work, *sources], check=True)
        files = sorted(file for file in classes.rglob("*.class"))
        entries = ((str(file.relative_to(classes)), file.read_bytes()) for file in files)
        write_jar(jars / "s3-conditional-log-store.jar", entries)


def write_jar(jar: Path, entries: Iterator[tuple[str, bytes]]) -> None:
    """Write a jar whose bytes depend on nothing but its entries."""
    with zipfile.ZipFile(jar, "w") as written:
        for name, content in entries:
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            written.writestr(entry, content, compresslevel=9)


if __name__ == "__main__":
    main()
