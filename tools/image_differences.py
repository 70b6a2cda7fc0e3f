"""Compares two builds of an image file by file: `image_differences.py FIRST SECOND`.

Of each file: kind, owner, mode, where a link leads, content; of the images: their settings. Not the times,
which are those of the builds. Prints what differs, and ends with 1 where anything does.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
from typing import Any

#: Files that are made anew from others that are compared, and why they are never the same.
KNOWN = {
    "opt/java/lib/server/classes.jsa": "Java 17 writes addresses of its process into a class-data archive",
    "opt/mlb/class-data-s3.jsa": "the same, of the jobs' classes",
}
#: Settings of an image that tell of the build and not of what was built.
_OF_THE_BUILD = ("Image", "Hostname")


def main() -> None:
    """Compare, tell."""
    first, second = sys.argv[1:]
    files = files_of(first), files_of(second)
    different = differences(*files) + differences(settings_of(first), settings_of(second))
    expected = [name for name in KNOWN if files[0].get(name) != files[1].get(name)]
    different = [sentence for sentence in different if sentence.split(": ")[0] not in expected]
    for sentence in different:
        print(sentence)
    for name in expected:
        print(f"(not counted: {name}: {KNOWN[name]})")
    print(f"{first} and {second}: {len(files[0])} files, {len(different)} differences")
    sys.exit(bool(different))


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """A line for each name of which the two do not say the same."""
    names = sorted(first.keys() | second.keys())
    return [
        f"{name}: {first.get(name, 'is not there')} | {second.get(name, 'is not there')}"
        for name in names
        if first.get(name) != second.get(name)
    ]


def files_of(image: str) -> dict[str, tuple[str, ...]]:
    """What is said of each file of an image: kind, owner, mode, link, size and hash of its content."""
    container = docker("create", "--entrypoint", "nothing", image).strip()
    try:
        export = subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE)
        with tarfile.open(fileobj=export.stdout, mode="r|") as archive:
            said = {entry.name: told(archive, entry) for entry in archive}
        if export.wait():
            raise SystemExit(f"docker export of {image} failed; what it said is above.")
        return said
    finally:
        docker("rm", container)


def told(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> tuple[str, ...]:
    """What one entry of an archive is, but for its time."""
    content = archive.extractfile(entry) if entry.isreg() else None
    digest = hashlib.sha256(content.read()).hexdigest()[:16] if content else ""
    kind = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link"}.get(
        entry.type, "other"
    )
    return (kind, f"{entry.uid}:{entry.gid}", f"{entry.mode:04o}", entry.linkname, str(entry.size), digest)


def settings_of(image: str) -> dict[str, Any]:
    """How an image runs: its environment, user, entry point, labels."""
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", image))
    return {f"setting {name}": value for name, value in config.items() if name not in _OF_THE_BUILD}


def docker(*arguments: str) -> str:
    """Run docker and return what it prints."""
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
