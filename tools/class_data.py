"""Makes a class-data archive for the jobs' JVM: `class_data.py OUTPUT`, in the environment that uses it.

The four jobs take a small delivery to Gold, `--s3` from an S3 server, as in a pod; when the JVM ends it
writes all classes that it has loaded, parsed and verified, and the next one maps them in place of loading
them again. A JVM leaves out of its archive what it cannot use later, without a word: so one more job is run
with it, and there is no archive where that one takes too few of its classes from there.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DELIVERY = Path(__file__).with_name("class-data-delivery.csv")
DAY = "2023-10-01"
#: Where it is looked for in a landing zone.
NAME = f"employees/{DAY}/New_York.csv"
#: Read for the driver's JVM, and not for the one that makes its command line.
_OPTIONS = "SPARK_SUBMIT_OPTS"
#: Where the JVM says that a class is from: the archive that is made here (or the JDK's own), a jar, or
#: the JDK's modules. Those that are made while it runs have other sources, and can be in no archive.
_ARCHIVED, _LOADED = "source: shared objects file", ("source: file:", "source: jrt:")
#: Of the classes that are not made while it runs.
FEWEST_ARCHIVED = 0.9


def main() -> None:
    """Run the jobs, and see what a later JVM takes of what they leave."""
    output, on_s3 = Path(sys.argv[1]), "--s3" in sys.argv[2:]
    output.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder, _s3() if on_s3 else _disk(Path(folder)) as places:
        # A complete one at once, or none: a JVM may start meanwhile.
        unfinished = Path(folder) / output.name
        environment = {**_plain_environment(), **places, "MLB_PSEUDONYM_KEY": secrets.token_hex(32)}
        # Its output is read to its end, which is when the JVM has closed it, too.
        _run(folder, ["run", "--date", DAY], environment, f"-XX:ArchiveClassesAtExit={unfinished}")
        if not unfinished.exists():
            raise SystemExit("This Java writes no class-data archive (it has none of its own to add to).")
        _check(folder, unfinished, environment)
        shutil.move(unfinished, output)


def _plain_environment() -> dict[str, str]:
    """This environment without settings of the jobs; the `spark-jobs` beside this Python comes first."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("MLB_")}
    return {
        **others,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{others['PATH']}",
        "MLB_COMPILER": "c1",
    }


def _check(folder: str, archive: Path, environment: dict[str, str]) -> None:
    loaded = Path(folder) / "classes.log"
    options = f"-XX:SharedArchiveFile={archive} -Xlog:class+load:file={loaded}"
    _run(folder, ["etl", "--date", DAY], environment, options)
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


@contextmanager
def _disk(folder: Path) -> Iterator[dict[str, str]]:
    landed = folder / "landing" / NAME
    landed.parent.mkdir(parents=True)
    landed.write_bytes(DELIVERY.read_bytes())
    yield {"MLB_LANDING": str(folder / "landing"), "MLB_LAKE": str(folder / "lake")}


@contextmanager
def _s3() -> Iterator[dict[str, str]]:
    # Not on a checkout: only the image's build has these.
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    # The server takes any.
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket="mlb")
    client.put_object(Bucket="mlb", Key=f"landing/{NAME}", Body=DELIVERY.read_bytes())
    yield {
        **keys,
        "MLB_S3_ENDPOINT": f"http://{host}:{port}",
        "MLB_S3_PATH_STYLE": "true",
        "MLB_LANDING": "s3a://mlb/landing",
        "MLB_LAKE": "s3a://mlb/lake",
        "MLB_LOG_FORMAT": "json",
    }
    server.stop()


def _run(folder: str, arguments: list[str], environment: dict[str, str], options: str) -> None:
    done = subprocess.run(
        ["spark-jobs", *arguments],
        cwd=folder,
        env={**environment, _OPTIONS: options},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        raise SystemExit(
            f"spark-jobs {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-5000:]}"
        )


if __name__ == "__main__":
    main()
