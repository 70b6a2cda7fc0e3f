"""Fetches the jars of a lock file by their Maven coordinates: `fetch_jars.py LOCK FOLDER`.

A line of the lock is `group:artifact:version sha256`; each jar is checked against its hash and becomes
`FOLDER/artifact-version.jar`. Through Spark's own resolver (Ivy), so that no Maven has to be installed;
what the coordinates depend on is either among them or in pyspark, or not needed, and is left out.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

from spark_jobs.lake.java import find_java_home

#: Groups whose jars come with pyspark, or that only optional parts of Delta and of S3A use.
LEFT_OUT = (
    "com.fasterxml.jackson.core:*",
    "com.fasterxml.jackson.datatype:*",
    "com.github.luben:*",
    "com.google.code.findbugs:*",
    "commons-logging:*",
    "commons-pool:*",
    "io.airlift:*",
    "io.unitycatalog:*",
    "javax.annotation:*",
    "org.apache.hadoop:hadoop-client-api",
    "org.apache.hadoop:hadoop-common",
    "org.apache.hadoop:hadoop-client-runtime",
    "org.apache.logging.log4j:*",
    "org.apache.parquet:*",
    "org.locationtech.jts:*",
    "org.roaringbitmap:*",
    "org.slf4j:*",
    "org.wildfly.openssl:*",
    "org.xerial.snappy:*",
    "io.delta:delta-kernel-api",
    "io.delta:delta-kernel-defaults",
    "io.delta:delta-kernel-unitycatalog",
    "software.amazon.s3.analyticsaccelerator:*",
)
#: Where Debian keeps the authorities that this machine trusts, in Java's form.
TRUST = Path("/etc/ssl/certs/java/cacerts")


def fetch_jars(lock: Path, folder: Path) -> None:
    """Bring the jars of a lock file into a folder. Stops with a sentence where one is not as locked."""
    wanted = dict(line.split() for line in lock.read_text().splitlines() if line[:1] not in ("", "#"))
    folder.mkdir(parents=True, exist_ok=True)
    # On the folder's own disk: a bundle of hundreds of megabytes may be more than /tmp holds.
    with tempfile.TemporaryDirectory(dir=folder.parent) as ivy:
        resolve(ivy, list(wanted))
        for coordinates, sha256 in wanted.items():
            group, artifact, version = coordinates.split(":")
            jar = Path(ivy) / "jars" / f"{group}_{artifact}-{version}.jar"
            check(jar, coordinates, sha256, lock)
            shutil.move(jar, folder / f"{artifact}-{version}.jar")


def check(jar: Path, coordinates: str, sha256: str, lock: Path) -> None:
    """Stop where a jar is missing or is not the one of the lock file."""
    if not jar.exists():
        raise SystemExit(f"Maven gave no jar for {coordinates}.")
    with jar.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise SystemExit(f"The jar of {coordinates} is not the one of {lock}: its hash is {found}.")


def resolve(ivy: str, coordinates: list[str]) -> None:
    """Download the coordinates into an Ivy folder."""
    os.environ["JAVA_HOME"] = find_java_home()
    builder = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.local.dir", ivy)
        .config("spark.jars.ivy", ivy)
        .config("spark.jars.packages", ",".join(coordinates))
        .config("spark.jars.excludes", ",".join(LEFT_OUT))
    )
    if TRUST.exists():
        os.environ["JDK_JAVA_OPTIONS"] = f"-Djavax.net.ssl.trustStore={TRUST}"
    builder.getOrCreate().stop()


if __name__ == "__main__":
    fetch_jars(Path(sys.argv[1]), Path(sys.argv[2]))
