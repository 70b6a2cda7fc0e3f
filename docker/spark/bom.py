"""Makes the image's bill of materials (CycloneDX): `bom.py PYTHON-BOM DPKG-FOLDER OUTPUT`.

PYTHON-BOM is what `cyclonedx-py environment` says of the Python packages; added are the jars, each with
its hash and with the libraries that are packed into it, Debian's packages, and the Java runtime's origin.
"""

import hashlib
import json
import re
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path("/opt/mlb")
OWN_PACKAGE = "mlb-employee-data-platform"
#: The package of the build stage from whose modules jlink has made the runtime.
JDK = "openjdk-17-jdk-headless"
_NAME = re.compile(r"(?P<name>.+?)-(?P<version>\d.*)")


def main() -> None:
    """Read, add, write."""
    python_bom, dpkg, output = map(Path, sys.argv[1:])
    bom = Bom.from_json(json.loads(python_bom.read_text()))  # pyright: ignore
    for package in bom.components:
        # Installed from wheels built in the image's build, so that their origin is not on record.
        if package.purl is None and package.name != OWN_PACKAGE:
            package.purl = PackageURL("pypi", None, package.name.lower().replace("_", "-"), package.version)
    for jar in sorted(ROOT.rglob("*.jar")):
        bom.components.add(_jar(jar))
    bom.components.update(_debian(f"--admindir={dpkg}"))
    bom.components.update(_debian(JDK))
    # Of what it lists, not by chance: the same for the same image.
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(sorted(map(_told, bom.components))))
    JsonV1Dot6(bom).output_to_file(str(output), allow_overwrite=True, indent=1)


def _told(part: Component) -> str:
    return " ".join([str(part.bom_ref), str(part.version), *(known.content for known in part.hashes)])


def _jar(file: Path) -> Component:
    packed = list(_coordinates(file))
    own = next((found for found in packed if f"{found[1]}-{found[2]}" == file.stem), None)
    guessed = _NAME.fullmatch(file.stem)
    name, version = (guessed["name"], guessed["version"]) if guessed else (file.stem, None)
    group, name, version = own or (None, name, version)
    return Component(
        type=ComponentType.LIBRARY,
        group=group,
        name=name,
        version=version,
        bom_ref=str(file),
        purl=PackageURL("maven", group, name, version) if group else None,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(file.read_bytes()).hexdigest())],
        components=[_packed(file, *found) for found in packed if found != own],
    )


def _packed(file: Path, group: str, artifact: str, version: str) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        group=group,
        name=artifact,
        version=version,
        bom_ref=f"{file}!{group}:{artifact}",
        purl=PackageURL("maven", group, artifact, version),
    )


def _coordinates(file: Path) -> Iterator[tuple[str, str, str]]:
    """Group, artifact and version of each Maven project whose metadata the jar carries."""
    with zipfile.ZipFile(file) as jar:
        for entry in jar.namelist():
            if entry.startswith("META-INF/maven/") and entry.endswith("/pom.properties"):
                lines = jar.read(entry).decode("utf-8", "replace").splitlines()
                values = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
                if {"groupId", "artifactId", "version"} <= set(values):
                    yield values["groupId"].strip(), values["artifactId"].strip(), values["version"].strip()


def _debian(*which: str) -> Iterator[Component]:
    shown = "${Package} ${Version} ${Architecture} ${source:Package}\n"
    query = ["dpkg-query", "--show", f"--showformat={shown}", *which]
    for line in subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines():
        name, version, architecture, source = line.split()
        details = {"arch": architecture, "distro": "debian-12", "source": source}
        yield Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            bom_ref=f"debian/{name}",
            purl=PackageURL("deb", "debian", name, version, details),
        )


if __name__ == "__main__":
    main()
