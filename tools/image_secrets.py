"""Looks for secrets in images: `image_secrets.py IMAGE...`.

Every layer is read, so that what a later layer has removed is found, too; besides, an image's settings and
the commands that built it. Ends with 1 where something is found that `KNOWN` does not name.
"""

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

#: What keys and passwords look like, wherever they stand.
_IN_CONTENT = {
    "a private key": re.compile(
        rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s+[A-Za-z0-9+/=:, -]{16}"
    ),
    "an access key of AWS": re.compile(rb"\b(?:AKIA|ASIA)(?![A-Z0-9]*EXAMPLE)[A-Z2-7]{16}\b"),
    "a token of a code forge": re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|glpat-[-_A-Za-z0-9]{20})\b"),
}
#: Files in which people and tools keep them.
_NAMES = re.compile(
    r"(^|/)(\.netrc|\.pypirc|\.pgpass|\.git|\.git-credentials|\.docker/config\.json|\.aws/credentials|\.kube/config|"
    r"id_(rsa|dsa|ecdsa|ed25519)|pip\.conf|lake(\.erasure)?\.key(\.new)?|\.(bash|python)_history|\.env)$"
)
_IN_SETTINGS = re.compile(r"://[^/\s:@]+:[^/\s@]+@|(?i:password|secret|token|credential)[a-z_]*=\S")
#: Found, looked at, and no secret: what a path looks like, and why.
KNOWN = {
    r"/libgnutls\.so": "keys of its self-test, the same in every copy of the library",
}


def main() -> None:
    """Look into each image, tell."""
    seen: set[str] = set()
    wrong = [f"{image}: {found}" for image in sys.argv[1:] for found in found_in(image, seen)]
    for sentence in wrong:
        print(f"image-secrets: {sentence}")
    print(f"image-secrets: {len(sys.argv) - 1} images looked into, {len(wrong)} secrets found")
    sys.exit(bool(wrong))


def found_in(image: str, seen: set[str]) -> Iterator[str]:
    """What looks like a secret in an image, and where; not in layers that have been seen."""
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", image))
    labels = [f"{name}={value}" for name, value in (config["Labels"] or {}).items()]
    for line in [*history.splitlines(), *config["Env"], *labels]:
        if _IN_SETTINGS.search(line):
            yield f"its settings, or the commands of its build: {line[:100]}"
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "image.tar"
        docker("image", "save", "-o", str(saved), image)
        with tarfile.open(saved) as parts:
            layers = json.load(reading(parts, "manifest.json"))[0]["Layers"]
            for layer in layers:
                if layer not in seen:
                    seen.add(layer)
                    with tarfile.open(fileobj=reading(parts, layer), mode="r|*") as files:
                        yield from found_in_layer(files)


def found_in_layer(files: tarfile.TarFile) -> Iterator[str]:
    """What looks like a secret in a layer."""
    for entry in files:
        path = f"/{entry.name}"
        if _NAMES.search(path):
            yield f"{path}: files of this name hold secrets"
        elif entry.isreg() and not any(re.search(known, path) for known in KNOWN):
            content = reading(files, entry).read()
            yield from (f"{path}: {what}" for what, shape in _IN_CONTENT.items() if shape.search(content))


def reading(archive: tarfile.TarFile, entry: tarfile.TarInfo | str) -> IO[bytes]:
    """A file of an archive, open."""
    file = archive.extractfile(entry)
    assert file is not None, f"{entry} is no file"
    return file


def docker(*arguments: str) -> str:
    """Run docker and return what it prints."""
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
