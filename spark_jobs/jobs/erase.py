"""erase: people out of landing, tables, change feeds and old versions, for good."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from spark_jobs.errors import UsageError
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.erasures import (
    BEGUN,
    COMPLETE,
    apply_erasures,
    entries,
    finish_erasing,
    found,
    known_by,
    no_one,
    publish_erasures,
    purge_tables,
    write_entries,
)
from spark_jobs.privacy.erasure import ErasedPeople, words

_LONGEST_REASON = 500
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Request:
    """Whom to erase (employee_ids as people write them), why, and who asks for it."""

    employee_ids: tuple[str, ...]
    reason: str
    by: str


def erase(job: JobContext, request: Request) -> None:
    """Erase people who have not been erased, or who have come back.

    The ledger of erasures comes first: from then on nobody of them comes in again, and whoever is killed
    is finished by running the same again. Raises UsageError where an id is unknown or the reason tells
    who it is.
    """
    people = _people(job, request)
    there = found(job, people)
    rows = {row["person"]: row for row in entries(job) if row["person"] in people.pseudonyms}
    _check_known(people, there | set(rows))
    begun = {person for person, row in rows.items() if row["state"] == BEGUN}
    todo = people.of(frozenset(there | begun))
    for row in rows.values():
        if row["state"] == COMPLETE and row["person"] not in there:
            job.run.notes.append(f"Erased on {row['erased_at']:%Y-%m-%d} already: {row['person']}.")
    known = known_by(job, todo)
    _check_reason(request.reason, known.identifiers | known.names)
    job.run.parameters.update(people=str(len(people.pseudonyms)), reason=request.reason, by=request.by)
    if not todo.pseudonyms:
        publish_erasures(job)
        return
    _begin(job, request, todo, rows)
    finish_erasing(job, todo, known)


def erase_again(job: JobContext) -> None:
    """Erase all who have been erased, wherever they came back.

    Also where nobody has: a job that ran beside the erasure may have written their rows and taken them away
    again, and its files are still there.
    """
    if apply_erasures(job):
        return
    if entries(job):
        purge_tables(job)
    publish_erasures(job)


def _people(job: JobContext, request: Request) -> ErasedPeople:
    nobody = no_one(job)
    pseudonyms = set()
    for number, employee_id in enumerate(request.employee_ids, start=1):
        own = nobody.owner({job.contract.person: employee_id})
        if own is None:
            # Never the text itself: the sentence stands in the ledger of runs.
            raise UsageError(
                f"Argument {number} is no {job.contract.person}: give one word for each person."
            )
        _check_reason(request.reason, frozenset({own}))
        pseudonyms.add(str(nobody.pseudonym(own)))
    if not 0 < len(request.reason.strip()) <= _LONGEST_REASON:
        raise UsageError(f"Give a --reason of 1 to {_LONGEST_REASON} characters: it stands in the ledger.")
    return nobody.of(frozenset(pseudonyms))


def _check_reason(reason: str, telling: frozenset[str]) -> None:
    told = any(len(value) > 1 and _spaced(value) in _spaced(reason) for value in telling)
    if told or telling & {*words(reason)}:
        raise UsageError(
            "The --reason tells who is erased (an identifier, a name or a birth date): it stays in the "
            "ledger of erasures, so write it without."
        )


def _spaced(text: str) -> str:
    """A text's words with one blank around each, so that whole words can be looked for."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def _check_known(people: ErasedPeople, known: set[str]) -> None:
    unknown = len(people.pseudonyms - known)
    if unknown:
        raise UsageError(
            f"{unknown} of the {len(people.pseudonyms)} people to erase are unknown: no record in the "
            "landing zone or the lake names such an id, and none was erased before. Nothing was changed."
        )


def _begin(job: JobContext, request: Request, people: ErasedPeople, rows: dict) -> None:
    """Enter the people in the ledger of erasures; one who is in it keeps the time and the reason."""
    new = {
        "dataset": job.contract.dataset,
        "reason": request.reason,
        "erased_at": dt.datetime.now(dt.UTC),
        "by": request.by,
        "run_id": job.run.run_id,
        "notes": [],
    }
    begun: Sequence[dict] = [
        {**(rows[person].asDict() if person in rows else new), "person": person, "state": BEGUN}
        for person in sorted(people.pseudonyms)
    ]
    write_entries(job, begun)
