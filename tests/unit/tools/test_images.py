"""tools/image_secrets.py and tools/image_differences.py, on archives as docker writes them."""

import io
import tarfile

import pytest

from tools.image_differences import differences, told
from tools.image_secrets import found_in_layer


def archive(files: dict[str, bytes], mode: int = 0o644) -> tarfile.TarFile:
    """A layer with some files, open for reading."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as layer:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            layer.addfile(entry, io.BytesIO(content))
    written.seek(0)
    return tarfile.open(fileobj=written)


#: In parts, so that this file does not look like one that holds a key.
KEY = b"-----BEGIN RSA " + b"PRIVATE KEY-----\nMIIEowIBAAKCAQEAtrial\n"


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("etc/server.pem", b"first\n" + KEY, "a private key"),
        ("app/settings.py", b"ID = 'AKIA" + b"I7Q2XNZ3R5TUVWKD'", "an access key of AWS"),
        ("app/note.txt", b"ghp" + b"_" + b"a1B2" * 9, "a token of a code forge"),
        ("root/.netrc", b"", "files of this name hold secrets"),
        ("root/.aws/credentials", b"", "files of this name hold secrets"),
        ("work/lake.key", b"", "files of this name hold secrets"),
        ("etc/pip.conf", b"", "files of this name hold secrets"),
    ],
)
def test_a_secret_in_a_layer_is_found(name: str, content: bytes, what: str) -> None:
    with archive({"bin/tool": b"harmless", name: content}) as layer:
        assert list(found_in_layer(layer)) == [f"/{name}: {what}"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("docs/how-to.txt", b"paste what begins with -----BEGIN PRIVATE " + b"KEY----- here"),
        ("docs/example.txt", b"AKIA" + b"IOSFODNN7EXAMPLE"),
        ("lib/monkey.key.py", b""),
        ("usr/lib/libgnutls.so.30", KEY),
    ],
)
def test_what_is_none_is_not(name: str, content: bytes) -> None:
    with archive({name: content}) as layer:
        assert list(found_in_layer(layer)) == []


def test_files_differ_by_content_and_mode_and_not_by_time() -> None:
    first = archive({"same": b"1", "other": b"1", "gone": b"1"})
    second = archive({"same": b"1", "other": b"2"})
    for entry in second:
        entry.mtime = 99
    said = [{entry.name: told(files, entry) for entry in files} for files in (first, second)]
    assert [line.split(":")[0] for line in differences(*said)] == ["gone", "other"]
    assert told(first, first.getmember("same")) != told(*_of(archive({"same": b"1"}, mode=0o600), "same"))


def _of(files: tarfile.TarFile, name: str) -> tuple[tarfile.TarFile, tarfile.TarInfo]:
    return files, files.getmember(name)
