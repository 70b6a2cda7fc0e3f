"""The ways back as generators: erase, recover, restore, and maintain's compaction (spark_jobs/jobs/)."""

from collections.abc import Callable

from tests.reliability.simulation.facts import (
    ATTEMPTS,
    BRONZE,
    CURRENT,
    ERASURES,
    GOLD,
    HISTORY,
    IDENTITY,
    LOADS,
    MANIFEST,
    PUBLISHED,
    QUARANTINE,
    RUNS,
    STAGING,
    Record,
    current_of,
    gold_of,
    history_of,
    identity_of,
    staged_of,
    versions_of,
)
from tests.reliability.simulation.jobs import (
    UNFINISHED,
    Run,
    aggregate,
    belongs,
    redact_landing,
)
from tests.reliability.simulation.lake import Differences, Lake, Steps
from tests.reliability.simulation.store import JobFailed, Refused, Row

BEGUN, COMPLETE = "begun", "complete"
_ALL = (BRONZE, STAGING, QUARANTINE, ATTEMPTS, CURRENT, HISTORY, IDENTITY)
#: Runs one stage for one day, as a run of its own in the ledger; its outcome.
RunStage = Callable[[str, int], Steps[str]]


# --- erase


def erase(run: Run, person: str) -> Steps:
    """Erase a person: the ledger of erasures first, Bronze last of the tables, the ledger again."""
    people = {person}
    there = yield from found(run, people)
    rows = dict((yield from run.lake.read(ERASURES)))
    if not there and person not in rows:
        raise Refused(f"{person} is unknown")
    if rows.get(person) == COMPLETE and not there:
        return
    identifiers = yield from _known_by(run, people)
    if not run.has("the ledger of erasures comes last"):
        yield from _write_entry(run, person, BEGUN)
    yield from finish_erasing(run, people, identifiers)


def apply_erasures(run: Run) -> Steps:
    """Erase again whom the ledger of erasures names, wherever they came back."""
    rows = dict((yield from run.lake.read(ERASURES)))
    people = set(rows)
    if not people or not (yield from found(run, people)):
        return
    for person in sorted(people):
        yield from _write_entry(run, person, BEGUN)
    yield from finish_erasing(run, people, (yield from _known_by(run, people)))


def _write_entry(run: Run, person: str, state: str) -> Steps:
    yield from run.lake.sync(ERASURES, {person: state}, lambda row: row[0] == person)


def person_of(table: str, row: Row) -> str:
    """Whose row it is, by employee_id."""
    key, value = row
    if table in (BRONZE, QUARANTINE):
        return (value.record if table == BRONZE else value[1]).person
    if table == ATTEMPTS:
        return value[0].person
    if table == IDENTITY:
        return str(key)
    return {STAGING: lambda: key[1], CURRENT: lambda: key[0], HISTORY: lambda: key[0][0]}[table]()


def found(run: Run, people: set[str]) -> Steps[bool]:
    """Whether there is anything of the people in landing or the tables."""
    yield "search the landing zone"
    anything = any(r.person in people for content in run.store.landing.values() for r in content)
    for table in _ALL:
        rows = yield from run.lake.read(table)
        anything = anything or any(person_of(table, row) in people for row in rows)
    return anything


def _known_by(run: Run, people: set[str]) -> Steps[set[str]]:
    """Whose SSN is known, from the people's rows in Bronze: nobody's where these are gone."""
    return {row.record.person for _, row in (yield from run.lake.read(BRONZE))} & people


def finish_erasing(run: Run, people: set[str], identifiers: set[str]) -> Steps:
    yield from redact_landing(run, people, None, bool(identifiers))
    yield from delete_rows(run, people, bool(identifiers))
    there = [table for table in _ALL if run.lake.log(table).commits]
    yield from run.lake.together(*(run.lake.purge(table) for table in there))
    if run.lake.log(CURRENT).commits:
        yield from aggregate(run, full=True)
    for person in sorted(people):
        yield from _write_entry(run, person, COMPLETE)


def delete_rows(run: Run, people: set[str], known: bool) -> Steps:
    """Bronze comes last, since what else a person is known by is read from it."""
    lake = run.lake

    def gone(table: str) -> Callable[[Row], bool]:
        def whole(row: Row) -> bool:
            record: Record = row[1].record if table == BRONZE else row[1][1]
            return belongs(record, people) if known else record.person in people

        return whole if table in (BRONZE, QUARANTINE) else lambda row: person_of(table, row) in people

    if run.has("Bronze goes first"):
        yield from lake.sync(BRONZE, {}, gone(BRONZE))
    tables = (QUARANTINE, ATTEMPTS, STAGING, CURRENT, HISTORY, IDENTITY)
    yield from lake.together(*(lake.sync(table, {}, gone(table)) for table in tables))
    theirs = [row for row in (yield from lake.read(BRONZE)) if gone(BRONZE)(row)]
    if theirs or lake.log(BRONZE).properties().get("delta.appendOnly") == "false":
        yield from lake.set_properties(BRONZE, {"delta.appendOnly": "false"})
        yield from lake.sync(BRONZE, {}, gone(BRONZE))
        yield from lake.set_properties(BRONZE, {"delta.appendOnly": "true"})


# --- recover


def recover(run: Run, day: int, run_stage: RunStage) -> Steps:
    """Mend the refused rows of a delivery: the decisions are kept first, then the same etl and load."""
    mended = yield from _decided(run, day)
    if mended:
        yield from run.lake.sync(ATTEMPTS, mended, lambda row: row[0] in mended)
    pending = {k: v for k, v in (yield from run.lake.read(ATTEMPTS)) if v[1] is None}
    if not pending:
        return
    for stage in ("etl", "load", "aggregate"):
        outcome = yield from run_stage(stage, day)
        if outcome != "succeeded":
            raise JobFailed(f"{stage} of {day}: {outcome}. The decisions are kept")
    states = {key: value[2] for key, value in (yield from run.lake.read(QUARANTINE))}
    settled = {key: (record, states.get(key)) for key, (record, _) in pending.items()}
    yield from run.lake.sync(ATTEMPTS, settled, lambda row: row[0] in pending)


def _decided(run: Run, day: int) -> Steps[dict]:
    tried = dict((yield from run.lake.read(ATTEMPTS)))
    erased = {person for person, _ in (yield from run.lake.read(ERASURES))}
    quarantine = yield from run.lake.read(QUARANTINE)
    return {
        key: (value[1]._replace(salary=700 + value[1].at), None)
        for key, value in quarantine
        if value[0] == day and value[2] == "open" and key not in tried
        if value[1].person and value[1].person not in erased
    }


# --- restore


def restore(run: Run) -> Steps:
    """Bring the published tables back to the oldest point: all compared first, then one commit each."""
    runs = yield from run.lake.read(RUNS)
    points = sorted((v[4], v[5]) for _, v in runs if v[2] == "succeeded" and v[5])
    reachable = [p for _, p in points if all(p[t] >= run.lake.log(t).oldest for t in PUBLISHED)]
    if not reachable:
        raise Refused("there is no point that can still be read")
    changes = yield from run.lake.together(*(_back(run.lake, t, reachable[0][t]) for t in PUBLISHED))
    yield from publish(run, changes)


def reprocess(run: Run) -> Steps:
    """Everything after Bronze anew, from Bronze and what people have decided: also ends a restore."""
    bronze = yield from run.lake.read(BRONZE)
    decisions = {row_id: value[0] for row_id, value in (yield from run.lake.read(ATTEMPTS))}
    days = sorted({row.day for _, row in bronze})
    staged: dict = {}
    for day in days:
        staged |= staged_of(tuple(row for row in bronze if row[1].day == day), decisions)
    loaded = [day for day, _ in (yield from run.lake.read(LOADS)) if day in days]
    versions = versions_of(staged.items(), loaded)
    current = current_of(versions)
    wanted = {
        STAGING: staged,
        LOADS: dict.fromkeys(loaded),
        IDENTITY: identity_of(versions),
        HISTORY: history_of(versions),
        CURRENT: current,
        **{table: gold_of(table, current.items()) for table in GOLD},
    }
    compared = (run.lake.compare(table, rows, lambda row: True) for table, rows in wanted.items())
    yield from publish(run, (yield from run.lake.together(*compared)))


def _back(lake: Lake, table: str, version: int) -> Steps[Differences]:
    wanted = dict((yield from lake.read(table, version))) if version >= 0 else {}
    return (yield from lake.compare(table, wanted, lambda row: True))


def publish(run: Run, changes: list[Differences]) -> Steps:
    """publish.publish: make the changes live, and note which versions belong together."""
    lake = run.lake
    yield from _make_live(run, changes)
    # As this run knows them: since the mark has gone another job may have changed a table.
    known = {c.table: lake.versions_written.get(c.table, c.version) for c in changes}
    if run.has("the point is looked up after the mark"):
        known = yield from run.versions()
    run.point = {**known}


def _make_live(run: Run, changes: list[Differences]) -> Steps:
    """The mark, one commit a table, whom the ledger of erasures names, the mark off."""
    lake = run.lake
    yield f"look at the properties of {STAGING}"
    marked = lake.log(STAGING).properties().get(UNFINISHED)
    pending = [change for change in changes if change.changes]
    # Also where nothing differs: the point would name versions that are not those compared.
    yield from _check_unmoved(run, changes)
    if not pending and not marked:
        return
    if not marked and not run.has("restore without a mark"):
        yield from lake.set_properties(STAGING, {UNFINISHED: run.job})
    yield from _check_unmoved(run, [c for c in changes if c.table != STAGING])
    if run.store.unfinished_since is None:
        run.store.unfinished_since = run.store.step
    for change in pending:
        yield from lake.commit(change)
    yield from _check_unmoved(run, changes)
    yield from apply_erasures(run)
    if not run.has("restore without a mark"):
        yield from lake.set_properties(STAGING, {UNFINISHED: ""})
    run.store.unfinished_since = None


def _check_unmoved(run: Run, changes: list[Differences]) -> Steps:
    for change in changes:
        version = yield from run.lake.version(change.table)
        moved = bool(run.lake.log(change.table).changed_by_others(change.version, run.name))
        if run.has("restore looks at versions alone"):
            moved = version != run.lake.versions_written.get(change.table, change.version)
        if moved:
            raise JobFailed(f"another job has changed {change.table} in the meantime")


# --- maintain


def maintain(run: Run) -> Steps:
    """Compact every table: commits that change no row."""
    for table in (BRONZE, MANIFEST, LOADS, STAGING, CURRENT, *GOLD):
        if run.lake.log(table).commits:
            yield from run.lake.compact(table)
