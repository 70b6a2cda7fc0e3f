"""The key that pseudonyms are to be made under from now on."""

from dataclasses import dataclass, field
from pathlib import Path

from spark_jobs.errors import UsageError
from spark_jobs.privacy.pseudonyms import key_id, make_key, read_key
from spark_jobs.settings import Settings


@dataclass(frozen=True)
class NewKey:
    """A key, and the file in which it waits until it takes the place of the old one, if it does so."""

    key: bytes = field(repr=False)
    waiting: Path | None = None
    place: Path | None = None

    def install(self) -> None:
        """Put the key in the place of the old one; nothing where it is there, or is not kept here."""
        if self.waiting and self.place and self.waiting.exists():
            self.waiting.replace(self.place)


def new_key(settings: Settings, rotating_to: str | None) -> NewKey:
    """The key from the file in the settings; on the local default it is made beside the lake.

    `rotating_to` is the id of the key that a rotation which was not finished has begun to use. Raises
    UsageError where the old key comes from the settings and the new one does not.
    """
    if settings.new_pseudonym_key_file is not None:
        return NewKey(read_key(settings.new_pseudonym_key_file))
    given = settings.pseudonym_key is not None or settings.pseudonym_key_file is not None
    if given or not settings.lake_is_local:
        raise UsageError("Give the file of the new key as --new-key-file (or MLB_NEW_PSEUDONYM_KEY_FILE).")
    place = Path(f"{settings.lake_root}.key")
    waiting = place.with_name(f"{place.name}.new")
    if not waiting.exists():
        # A rotation that was killed after it had put its key in place goes on with that one.
        if rotating_to and place.exists() and key_id(read_key(place)) == rotating_to:
            return NewKey(read_key(place), place=place)
        make_key(waiting)
    return NewKey(read_key(waiting), waiting, place)
