"""Makes the image's class-data archive: `archive.py OUTPUT`, in a container of the image itself.

The four jobs take a small delivery from an S3 server to Gold, as in a pod; when the JVM ends it writes all
classes that it has loaded, parsed and verified, and the next one maps them in place of loading them again.
A JVM leaves out of its archive what it cannot use later, without a word: so one more job is run with it,
and the build fails where that one takes too few of its classes from there.
"""

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

DELIVERY = Path(__file__).with_name("archive-delivery.csv")
DAY = "2023-10-01"
#: Read for the driver's JVM, and not for the one that makes its command line.
_OPTIONS = "SPARK_SUBMIT_OPTS"
#: Where the JVM says that a class is from: the archive that is made here (or the JDK's own), a jar, or
#: the JDK's modules. Those that are made while it runs have other sources, and can be in no archive.
_ARCHIVED, _LOADED = "source: shared objects file", ("source: file:", "source: jrt:")
#: Of the classes that are not made while it runs.
FEWEST_ARCHIVED = 0.9


def main() -> None:
    """Run the jobs, and see what a later JVM takes of what they leave."""
    output = sys.argv[1]
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    # The server takes any; the one that fills it and Spark's JVM find them here.
    os.environ |= {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    environment = {
        **os.environ,
        "MLB_S3_ENDPOINT": f"http://{host}:{port}",
        "MLB_S3_PATH_STYLE": "true",
        "MLB_LANDING": "s3a://mlb/landing",
        "MLB_LAKE": "s3a://mlb/lake",
        "MLB_LOG_FORMAT": "json",
        "MLB_PSEUDONYM_KEY": secrets.token_hex(32),
    }
    _deliver(environment)
    # Its output is read to its end, which is when the JVM has closed it, too.
    _run(
        ["spark-jobs", "run", "--date", DAY],
        {**environment, _OPTIONS: f"-XX:ArchiveClassesAtExit={output}"},
    )
    _check(output, environment)
    server.stop()


def _check(output: str, environment: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        loaded = Path(folder) / "classes.log"
        options = f"-XX:SharedArchiveFile={output} -Xlog:class+load:file={loaded}"
        _run(["spark-jobs", "etl", "--date", DAY], {**environment, _OPTIONS: options})
        lines = loaded.read_text().splitlines()
    archived = sum(_ARCHIVED in line for line in lines)
    both = archived + sum(source in line for line in lines for source in _LOADED)
    told = f"{archived} of the {both} classes that an etl loads come from the archive"
    if not both or archived < FEWEST_ARCHIVED * both:
        raise SystemExit(
            f"Only {told}. Java leaves out classes of jars that are not where they were, or not named "
            "in the class path (the manifest of a jar must name others relatively)."
        )
    print(told)


def _deliver(environment: dict[str, str]) -> None:
    s3 = boto3.client(
        "s3",
        endpoint_url=environment["MLB_S3_ENDPOINT"],
        region_name="us-east-1",
    )
    s3.create_bucket(Bucket="mlb")
    s3.put_object(Bucket="mlb", Key=f"landing/employees/{DAY}/New_York.csv", Body=DELIVERY.read_bytes())


def _run(command: list[str], environment: dict[str, str]) -> None:
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, env=environment, text=True, **piped)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-5000:]}")


if __name__ == "__main__":
    main()
