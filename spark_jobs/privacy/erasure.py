r"""Which records belong to an erased person: the one rule, for landing files and for every table.

Who has been erased is known by a pseudonym alone: the HMAC-SHA256 of the tidied employee_id under
the erasure key. A record belongs to an erased person

* where its own employee_id, tidied as Silver tidies it, is the person's;
* where its employee_id is missing or is not one word, and any of its values names the person;
* where it is a line that could not be split, and the line names the person. Of a record of several
  lines (a quote that is never closed) only the lines that name the person go.

A value names a person where one of its words is the person's employee_id or, as long as they are
known (while a person is erased for the first time), an SSN, e-mail address or telephone number of
the person, with or without punctuation. A record of somebody else that names the person in a
column that the contract does not know stays, and loses that value.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from spark_jobs.contracts.contract import Column, Contract
from spark_jobs.privacy.pseudonyms import pseudonym

Fields = Mapping[str, str | None]

#: The key of `_rescued` under which the raw text of a record that could not be split stands.
RAW = "_raw"
#: As spark_jobs/silver/clean.py has it: \p{Cntrl} of Java is ASCII's control characters.
_BLANKS = re.compile("[ \x00-\x1f\x7f\u00a0\u200b\ufeff]+")
_WORD = re.compile(r"[\w.'@+-]+")
_PART = re.compile(r"[\w.'-]+")
_NUMBER = re.compile(r"[0-9][0-9 ().+-]{4,}[0-9]")
_NO_DIGIT = re.compile("[^0-9]")
#: A letter, or a digit of another script.
_NO_NUMBER = re.compile(r"[^\W_0-9]")
_ENDS = ".'-+@_"
#: Fewer digits than this are no telephone number or SSN, but a season or a salary.
_FEWEST_DIGITS = 7


def tidied(value: str | None, column: Column, null_texts: tuple[str, ...]) -> str | None:
    """A value as spark_jobs/silver/clean.py tidies it: its blanks, its case, its null texts."""
    if value is None:
        return None
    text = _BLANKS.sub(" ", value).strip(" ")
    if column.case == "upper":
        text = text.upper()
    elif column.case == "lower":
        text = text.lower()
    elif column.case == "digits" and not _NO_NUMBER.search(text):
        text = _NO_DIGIT.sub("", text)
    is_name = column.classification == "identity" and column.type == "string"
    nulls = ("",) if is_name else ("", *null_texts)
    return None if text.lower() in nulls else text


def words(text: str) -> Iterator[str]:
    """All that may be an identifier in a text, in lower case: words, their parts, and numbers as digits."""
    text = _BLANKS.sub(" ", text).lower()
    for word in {*_WORD.findall(text), *_PART.findall(text)}:
        yield word
        yield word.strip(_ENDS)
    for number in {*_NUMBER.findall(text), *_WORD.findall(text)}:
        digits = _NO_DIGIT.sub("", number)
        if len(digits) >= _FEWEST_DIGITS:
            yield digits


@dataclass(frozen=True)
class ErasedPeople:
    """The people whom the ledger of erasures names, by their pseudonyms under the erasure key.

    `identifiers` holds what else they are known by, in lower case, as long as that is known.
    """

    person: Column
    null_texts: tuple[str, ...]
    key: bytes = field(repr=False)
    pseudonyms: frozenset[str]
    identifiers: frozenset[str] = field(default=frozenset(), repr=False)

    def of(self, pseudonyms: frozenset[str]) -> "ErasedPeople":
        """The rule for other people."""
        return replace(self, pseudonyms=pseudonyms)

    def also_known_by(self, identifiers: frozenset[str]) -> "ErasedPeople":
        """The same people, with what else they are known by."""
        return replace(self, identifiers=identifiers)

    def pseudonym(self, employee_id: str | None) -> str | None:
        """The pseudonym that stands in the ledger of erasures for a delivered employee_id."""
        return pseudonym(self.key, self.person.name, tidied(employee_id, self.person, self.null_texts))

    def erased(self, employee_id: str | None) -> bool:
        """Whether a delivered employee_id is that of an erased person."""
        return self.pseudonym(employee_id) in self.pseudonyms

    def named_in(self, text: str | None) -> bool:
        """Whether a text names an erased person."""
        found = {*words(text)} if text else set()
        return not self.identifiers.isdisjoint(found) or any(map(self.erased, found))

    def people_in(self, text: str | None) -> set[str]:
        """The pseudonyms of the erased people whose employee_id is a word of a text."""
        found = {self.pseudonym(word) for word in {*words(text or "")}}
        return {person for person in found if person in self.pseudonyms}

    def owner(self, fields: Fields) -> str | None:
        """The tidied employee_id of a record, if that is one word: anything else is nobody's."""
        own = tidied(fields.get(self.person.name), self.person, self.null_texts)
        return own if own and _PART.fullmatch(own) else None

    def what_stays(self, fields: Fields, extra: Fields) -> Fields | None:
        """What stays of a record's values that the contract does not know; None where it goes whole."""
        own = self.owner(fields)
        if own:
            return None if self.erased(own) else self._without_names(extra)
        raw = extra.get(RAW)
        # A record with fields has been split: it has a column of that name.
        if raw is not None and not any(value is not None for value in fields.values()):
            lines = self.lines_that_stay(raw)
            return {**extra, RAW: lines} if lines.strip() else None
        return None if any(map(self.named_in, (*fields.values(), *extra.values()))) else extra

    def _without_names(self, extra: Fields) -> Fields:
        if not any(map(self.named_in, extra.values())):
            return extra
        return {name: "" if self.named_in(value) else value for name, value in extra.items()}

    def lines_that_stay(self, text: str) -> str:
        """A text without the lines that name an erased person."""
        return "".join(line for line in text.splitlines(keepends=True) if not self.named_in(line))


@dataclass(frozen=True)
class RecordRule:
    """The rule for a record as the quarantine holds it: a JSON object of its columns and `_rescued`.

    `direct` are the columns of direct identifiers, `names` those of names and birth dates.
    """

    people: ErasedPeople
    direct: tuple[str, ...]
    names: tuple[str, ...]

    def verdict(self, record: str | None) -> tuple[bool, str | None, Fields | None] | None:
        """None where the record stays as it is.

        Else (True, None, None) where it belongs to an erased person, or (False, the record, its `_rescued`)
        as they may stay.
        """
        delivered, extra = _split(record)
        stays = self.people.what_stays(delivered, extra) if record else extra
        if stays is None:
            return True, None, None
        if stays == extra:
            return None
        kept = json.dumps({**delivered, "_rescued": stays}, ensure_ascii=False, separators=(",", ":"))
        return False, kept, dict(stays)

    def people_in(self, record: str | None) -> list[str]:
        """The pseudonyms of the erased people to whom a record belongs, or whom it names."""
        delivered, extra = _split(record)
        own = self.people.owner(delivered)
        named = {*map(str, extra.values()), *(() if own else map(str, delivered.values()))}
        return sorted(set().union(*map(self.people.people_in, {own, *named})))

    def known_by(self, record: str | None) -> list[str]:
        """What else the owner of a record is known by, in the forms in which it may stand elsewhere."""
        delivered, _ = _split(record)
        return sorted(set().union(*(forms(delivered.get(name)) for name in self.direct)))

    def called(self, record: str | None) -> list[str]:
        """The names and birth date in a record, in lower case."""
        delivered, _ = _split(record)
        values = ((delivered.get(name) or "").strip().lower() for name in self.names)
        return sorted({value for value in values if value})

    def is_others(self, record: str | None) -> bool:
        """Whether a record is somebody's who is not erased."""
        own = self.people.owner(_split(record)[0])
        return own is not None and not self.people.erased(own)

    def is_theirs(self, record: str | None) -> bool:
        """Whether a record's own employee_id is an erased person's."""
        return self.people.erased(self.people.owner(_split(record)[0]))


def _split(record: str | None) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """A record's columns of the contract, and its others."""
    delivered = json.loads(record) if record else {}
    return delivered, delivered.pop("_rescued", None) or {}


def forms(value: str | None) -> set[str]:
    """An SSN, e-mail address or telephone number as `words` would find it in a text."""
    text = _BLANKS.sub(" ", value or "").strip().lower()
    digits = _NO_DIGIT.sub("", text)
    if "@" in text:
        return {text}
    return {digits} if len(digits) >= _FEWEST_DIGITS else set()


def person_column(contract: Contract) -> Column:
    """The column that says whose a record is."""
    return next(column for column in contract.columns if column.name == contract.person)
