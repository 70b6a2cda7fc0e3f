"""Fetches jars by Maven coordinates into an Ivy folder: `fetch_jars.py FOLDER COORDINATES...`.

Through Spark's own resolver, so that no Maven has to be installed; what the coordinates depend on is
either among them or in pyspark, and is left out.
"""

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from spark_jobs.lake.java import find_java_home

#: Groups whose jars come with pyspark, or that only Delta's optional parts use.
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
    "org.apache.hadoop:*",
    "org.apache.logging.log4j:*",
    "org.apache.parquet:*",
    "org.locationtech.jts:*",
    "org.roaringbitmap:*",
    "org.slf4j:*",
    "org.xerial.snappy:*",
    "io.delta:delta-kernel-api",
    "io.delta:delta-kernel-defaults",
    "io.delta:delta-kernel-unitycatalog",
)
#: Where Debian keeps the authorities that this machine trusts, in Java's form.
TRUST = Path("/etc/ssl/certs/java/cacerts")


def main() -> None:
    """Resolve and download."""
    folder, *coordinates = sys.argv[1:]
    os.environ["JAVA_HOME"] = find_java_home()
    builder = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.jars.ivy", folder)
        .config("spark.jars.packages", ",".join(coordinates))
        .config("spark.jars.excludes", ",".join(LEFT_OUT))
    )
    if TRUST.exists():
        os.environ["JDK_JAVA_OPTIONS"] = f"-Djavax.net.ssl.trustStore={TRUST}"
    builder.getOrCreate().stop()


if __name__ == "__main__":
    main()
