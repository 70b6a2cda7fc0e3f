"""Keys and pseudonyms."""

import hashlib
import hmac
from pathlib import Path

import pytest

from spark_jobs.errors import UsageError
from spark_jobs.privacy.pseudonyms import key_id, load_key, pseudonym
from spark_jobs.settings import Settings

KEY = b"0123456789abcdef0123456789abcdef"


def test_a_pseudonym_is_the_hmac_of_kind_and_value() -> None:
    expected = hmac.new(KEY, b"ssn:900123456", hashlib.sha256).hexdigest()
    assert pseudonym(KEY, "ssn", "900123456") == expected
    assert pseudonym(KEY, "phone", "900123456") != expected
    assert pseudonym(KEY, "ssn", None) is None


def test_the_local_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(lake=str(tmp_path / "lake"))
    first = load_key(settings)
    assert load_key(settings) == first
    assert (tmp_path / "lake.key").stat().st_mode & 0o777 == 0o600
    assert key_id(first) not in first.decode()


def test_elsewhere_a_missing_or_short_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="MLB_PSEUDONYM_KEY_FILE"):
        load_key(Settings(lake="s3a://club/lake"))
    with pytest.raises(UsageError, match="5 characters"):
        load_key(Settings(lake="s3a://club/lake", pseudonym_key="short"))  # pyright: ignore
    with pytest.raises(UsageError, match="cannot be read"):
        load_key(Settings(pseudonym_key_file=tmp_path / "none"))


def test_a_key_is_not_shown_with_the_settings() -> None:
    secret = KEY.decode()
    assert secret not in repr(Settings(pseudonym_key=secret))  # pyright: ignore
