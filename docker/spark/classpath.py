"""Writes a jar that names the jars of a folder beside it in a fixed order: `classpath.py JARS OUTPUT`.

Spark puts `jars/*` on the class path, and Java takes the files in whatever order the file system lists
them, which differs from node to node. A class-data archive is only used where the order is the one that it
was made with, and of two jars with the same class the first one counts: so the order had better be fixed.
The names are relative, since the archive leaves out the classes of a jar that is named by a whole address.
"""

import sys
import zipfile
from pathlib import Path

#: The most bytes that a line of a manifest may have; a longer one goes on after a space.
_WIDTH = 72


def main() -> None:
    """Write the manifest."""
    jars, output = Path(sys.argv[1]), Path(sys.argv[2])
    # SLF4J's own before anything that brings a copy of it, as Spark does.
    ordered = sorted(jars.glob("*.jar"), key=lambda jar: (not jar.name.startswith("slf4j-api-"), jar.name))
    lines = "Class-Path: " + " ".join(str(jar.relative_to(output.parent)) for jar in ordered)
    wrapped = [lines[:_WIDTH]]
    rest = lines[_WIDTH:]
    while rest:
        wrapped.append(" " + rest[: _WIDTH - 1])
        rest = rest[_WIDTH - 1 :]
    manifest = "\r\n".join(["Manifest-Version: 1.0", *wrapped, "", ""])
    with zipfile.ZipFile(output, "w") as jar:
        jar.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF"), manifest)


if __name__ == "__main__":
    main()
