"""What must hold, as sentences, each with the function that looks for what contradicts it.

`ALWAYS` is looked at after every commit, `AT_THE_END` when all drivers have ended. A check yields what it
has found, in words for the trace.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.reliability.simulation.facts import (
    BRONZE,
    CURRENT,
    ERASURES,
    GOLD,
    HISTORY,
    IDENTITY,
    LOADS,
    MANIFEST,
    QUARANTINE,
    RUNS,
    SILVER,
    STAGING,
    current_of,
    gold_of,
    history_of,
    identity_of,
    versions_of,
)
from tests.reliability.simulation.jobs import TAKES_BACK
from tests.reliability.simulation.store import Store
from tests.reliability.simulation.ways_back import person_of


@dataclass(frozen=True)
class Violation:
    """An invariant that does not hold, and what shows it."""

    invariant: str
    found: str


@dataclass(frozen=True)
class End:
    """A world in which all have ended, the same deliveries undisturbed, and who was erased."""

    store: Store
    undisturbed: Store
    erased: str
    gave_up: tuple[str, ...]


def _twice(store: Store, table: str) -> Iterator[str]:
    counts = Counter(key for key, _ in store.log(table).rows())
    yield from (f"{table} holds {key} {count} times" for key, count in counts.items() if count > 1)


def bronze_once(store: Store) -> Iterator[str]:
    yield from _twice(store, BRONZE)


def marked_once(store: Store) -> Iterator[str]:
    yield from _twice(store, LOADS)


def manifest_after_bronze(store: Store) -> Iterator[str]:
    """Rows that an erasure took away had been there."""
    for (file, content), (_, status) in store.log(MANIFEST).rows():
        if status == "ingested" and content and (file, content) not in store.ever_in_bronze:
            yield f"{file} is in the manifest and has never been in Bronze"


def no_commit_is_replaced(store: Store) -> Iterator[str]:
    for table, version, commit in store.landed[-1:]:
        before = [c for t, v, c in store.landed[:-1] if (t, v) == (table, version)]
        if before:
            yield f"{table} v{version} was {before[0].by}'s and is {commit.by}'s"


def no_point_in_between(store: Store) -> Iterator[str]:
    since = store.unfinished_since
    for name, (job, _, outcome, started, _, point) in store.log(RUNS).rows()[-1:]:
        if (
            since is not None
            and job not in TAKES_BACK
            and outcome == "succeeded"
            and point
            and started > since
        ):
            yield f"{name} published while a restore had not come to its end"


def finished_by_running_again(end: End) -> Iterator[str]:
    yield from end.gave_up


def silver_is_what_all_say(end: End) -> Iterator[str]:
    log = end.store.log
    versions = versions_of(log(STAGING).rows(), (day for day, _ in log(LOADS).rows()))
    expected = {CURRENT: current_of, HISTORY: history_of, IDENTITY: identity_of}
    for table in SILVER:
        there, wanted = dict(log(table).rows()), expected[table](versions)
        if there != wanted:
            yield f"{table} is {_unlike(there, wanted)}"


def gold_is_of_silver(end: End) -> Iterator[str]:
    current = end.store.log(CURRENT).rows()
    for table in GOLD:
        there, wanted = dict(end.store.log(table).rows()), gold_of(table, current)
        if there != wanted:
            yield f"{table} is {_unlike(there, wanted)}"


def points_belong_together(end: End) -> Iterator[str]:
    for name, (_, _, _, _, _, point) in end.store.log(RUNS).rows():
        current = end.store.log(CURRENT).rows(point[CURRENT]) if point else ()
        for table in GOLD if point else ():
            there, wanted = dict(end.store.log(table).rows(point[table])), gold_of(table, current)
            if there != wanted:
                yield f"of {name}'s point {table} v{point[table]} is {_unlike(there, wanted)}"


def as_undisturbed(end: End) -> Iterator[str]:
    there, wanted = _content(end.store), _content(end.undisturbed)
    for table in wanted:
        if there[table] != wanted[table]:
            yield f"{table} is {_unlike(there[table], wanted[table])}"


def _content(store: Store) -> dict[str, dict]:
    """What a rerun may not change: not a row's id, which a redacted file changes."""
    rows = {table: store.log(table).rows() for table in (BRONZE, STAGING, QUARANTINE)}
    return {
        BRONZE: Counter((r.file, row.generation, row.record) for r, row in rows[BRONZE]),
        STAGING: {key: value.record for key, value in rows[STAGING] if not value.retracted},
        QUARANTINE: Counter(value for _, value in rows[QUARANTINE] if value[2] == "open"),
        **{table: dict(store.log(table).rows()) for table in (LOADS, *SILVER, *GOLD)},
    }


def erased_is_nowhere(end: End) -> Iterator[str]:
    if not end.erased:
        return
    for file, content in sorted(end.store.landing.items()):
        if any(end.erased in (r.person, r.names) for r in content):
            yield f"{end.erased} is in {file}"
    for table in (BRONZE, STAGING, QUARANTINE, *SILVER):
        for row in end.store.log(table).rows():
            record = {BRONZE: lambda v: v.record, QUARANTINE: lambda v: v[1]}.get(table)
            names = record(row[1]).names if record else ""
            if end.erased in (person_of(table, row), names):
                yield f"{end.erased} is in {table}: {row[0]}"
    if dict(end.store.log(ERASURES).rows()).get(end.erased) != "complete":
        yield f"the ledger of erasures does not say that {end.erased}'s is complete"


def _unlike(there: dict, wanted: dict) -> str:
    keys = [key for key in {**there, **wanted} if there.get(key) != wanted.get(key)]
    some = ", ".join(f"{key}: {there.get(key)} for {wanted.get(key)}" for key in keys[:3])
    return f"not as it should be in {len(keys)} rows ({some})"


#: Each invariant's check and its sentence.
ALWAYS: dict[Callable[[Store], Iterator[str]], str] = {
    bronze_once: "No row of a file is in Bronze twice.",
    marked_once: "No delivery is marked as loaded twice.",
    manifest_after_bronze: "The manifest names no file whose rows have not been in Bronze.",
    no_commit_is_replaced: "No commit takes the place of another one.",
    no_point_in_between: "No job that began after a restore's mark publishes before the restore has ended.",
}
AT_THE_END: dict[Callable[[End], Iterator[str]], str] = {
    finished_by_running_again: "Whatever was killed or has failed is finished by running it again.",
    silver_is_what_all_say: "When all have ended, Silver is what the loaded deliveries say together.",
    gold_is_of_silver: "When all have ended, Gold is that of Silver as it is.",
    points_belong_together: "At each point of the ledger Gold is that of Silver.",
    as_undisturbed: "When all have ended, the tables are those of the undisturbed run.",
    erased_is_nowhere: "An erased person is in no table and no file when all have ended.",
}
#: Those of the real log store, which log_store.py looks at.
OF_THE_LOG_STORE: dict[str, str] = {
    "done_is_there": "A commit that was answered as done is in the log once, as it was written.",
    "taken_is_not_there": "A commit that was answered as taken is not in the log.",
    "unknown_at_most_once": "A commit that nobody knows of is in the log once at most.",
    "no_gap": "Versions are without a gap.",
    "never_replaced": "What has been written never changes.",
    "whole": "Every file of the log is whole.",
    "careless_store": "On a store that ignores the condition nothing is committed.",
    "calm_is_done": "In a store that is well every commit is done or taken.",
}
SENTENCES: dict[str, str] = {
    **{check.__name__: sentence for check, sentence in (*ALWAYS.items(), *AT_THE_END.items())},
    **OF_THE_LOG_STORE,
}


def checked_on_the_way(store: Store) -> list[Violation]:
    return [Violation(check.__name__, found) for check in ALWAYS for found in check(store)]


def checked_at_the_end(end: End) -> list[Violation]:
    return [Violation(check.__name__, found) for check in AT_THE_END for found in check(end)]
