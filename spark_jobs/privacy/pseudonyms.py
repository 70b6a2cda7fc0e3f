"""Pseudonyms: direct identifiers as HMAC-SHA256 under a secret key.

A keyed hash, never a plain one: there are so few social security numbers that a plain hash of each
can be looked up. The key reaches Spark only inside a Python function: as a literal it would stand in
query plans, and so in logs and event logs.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from spark_jobs.contracts.contract import Contract
from spark_jobs.errors import UsageError
from spark_jobs.settings import Settings

SHORTEST_KEY = 32
#: Table property that says under which key a table's pseudonyms were made.
KEY_PROPERTY = "mlb.pseudonymKeyId"


@dataclass(frozen=True)
class KeyKind:
    """A kind of key: what it is called, the settings that give it, and its file beside a local lake."""

    about: str
    setting: str
    suffix: str


PSEUDONYM_KEY = KeyKind("pseudonym key", "pseudonym_key", ".key")
#: Of the ledger of erasures. Never rotated: whose id has been erased, none can compute it again.
ERASURE_KEY = KeyKind("erasure key", "erasure_key", ".erasure.key")


def load_key(settings: Settings, kind: KeyKind = PSEUDONYM_KEY) -> bytes:
    """The key, from the environment or a file.

    On the local default it is made once beside the lake, readable by its owner only. Anywhere else
    a missing or short key raises UsageError.
    """
    variable = f"MLB_{kind.setting.upper()}"
    given = getattr(settings, kind.setting)
    if given is not None:
        return _checked(given.get_secret_value(), kind, variable)
    file = getattr(settings, f"{kind.setting}_file")
    if file is None:
        if not settings.lake_is_local:
            raise UsageError(
                f"The lake {settings.lake} needs the {kind.about}: set {variable}_FILE (or {variable}) "
                f"to a secret of at least {SHORTEST_KEY} characters."
            )
        file = Path(f"{settings.lake_root}{kind.suffix}")
        if not file.exists():
            make_key(file)
    return read_key(file, kind)


def key_id(key: bytes) -> str:
    """A name for the key that tells nothing about it, to see that two pseudonyms belong together."""
    return hmac.new(key, b"key-id", hashlib.sha256).hexdigest()[:16]


def pseudonym(key: bytes, kind: str, value: str | None) -> str | None:
    """The pseudonym of one value; `kind` (the column) keeps equal values of two columns apart."""
    if value is None:
        return None
    return hmac.new(key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()


def pseudonymise(rows: DataFrame, contract: Contract, key: bytes) -> DataFrame:
    """Rows with each direct identifier of the contract replaced by its pseudonym (64 hex digits)."""
    names = contract.names_of("direct_identifier")
    if not names:
        return rows
    schema = StructType([StructField(name, StringType()) for name in names])

    def together(*values: str | None) -> tuple[str | None, ...]:
        return tuple(pseudonym(key, kind, v) for kind, v in zip(names, values, strict=True))

    made = F.udf(together, schema)(*names)
    rows = rows.withColumn("_pseudonyms", made)
    return rows.withColumns({name: F.col(f"_pseudonyms.{name}") for name in names}).drop("_pseudonyms")


def make_key(file: Path) -> None:
    """Write a new key whole or not at all, and let the first of two writers win."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(secrets.token_hex(32) + "\n")
    try:
        os.link(unfinished, file)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()


def read_key(file: Path, kind: KeyKind = PSEUDONYM_KEY) -> bytes:
    """The key in a file. Raises UsageError where it cannot be read or is too short."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The key file {file} cannot be read: {error.strerror}.") from error
    return _checked(text, kind, str(file))


def _checked(text: str, kind: KeyKind, where: str) -> bytes:
    key = text.strip().encode()
    if len(key) < SHORTEST_KEY:
        raise UsageError(f"The {kind.about} in {where} has {len(key)} characters; it needs {SHORTEST_KEY}.")
    return key
