"""Gives every certificate of a Java trust store (JKS) the same date: `truststore.py FILE SECONDS`.

Debian's package makes the store when it is installed, and notes that moment for each certificate: every
build of the image would be another one.
"""

import hashlib
import struct
import sys
from pathlib import Path

#: What every Java knows this store by; it holds no secret.
_PASSWORD = "changeit"  # noqa: S105
_CERTIFICATE = 2


def main() -> None:
    """Read, change the dates, sign anew, write."""
    file, seconds = Path(sys.argv[1]), int(sys.argv[2])
    store = bytearray(file.read_bytes()[: -hashlib.sha1().digest_size])
    magic, _, count = struct.unpack_from(">III", store)
    if magic != 0xFEEDFEED:
        raise SystemExit(f"{file} is no Java key store of the kind JKS.")
    at = 12
    for _ in range(count):
        (kind,) = struct.unpack_from(">I", store, at)
        if kind != _CERTIFICATE:
            raise SystemExit(f"{file} holds something else than certificates.")
        at = _after(store, at + 4, ">H")
        struct.pack_into(">q", store, at, seconds * 1000)
        at = _after(store, _after(store, at + 8, ">H"), ">I")
    signed = hashlib.sha1(_PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + store).digest()
    file.write_bytes(store + signed)


def _after(store: bytearray, at: int, length: str) -> int:
    """Where a text or a certificate ends that begins with its length."""
    return at + struct.calcsize(length) + struct.unpack_from(length, store, at)[0]


if __name__ == "__main__":
    main()
