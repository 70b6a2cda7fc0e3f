"""The four jobs and the ledger as generators: each step is called what spark_jobs/jobs/*.py calls it.

The order of commits is held against the real jobs by test_simulation.py. A planted bug is a branch that
names it (`run.has(...)`), next to what is right.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

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
    Delivered,
    Key,
    RowId,
    current_of,
    gold_of,
    history_of,
    identity_of,
    refused_of,
    staged_of,
    versions_of,
)
from tests.reliability.simulation.lake import Lake, Steps
from tests.reliability.simulation.store import Conflict, JobFailed, NotStaged, Refused, Row, Store

UNFINISHED = "mlb.unfinished"
TAKES_BACK = ("restore", "reprocess")
_MOST_TRIES = 5


@dataclass
class Run:
    """One run of one job: what JobContext and ledger.Run are together."""

    name: str
    job: str
    day: int | None
    store: Store
    bugs: frozenset[str]
    lake: Lake = field(init=False)
    started_at: int = field(init=False)
    parameters: str = ""
    point: dict[str, int] | None = None

    def __post_init__(self) -> None:
        self.lake = Lake(self.store, self.name, unconditional=self.has("put without condition"))
        self.started_at = self.store.step

    def has(self, bug: str) -> bool:
        return bug in self.bugs

    def versions(self) -> Steps[dict[str, int]]:
        found = {}
        for table in PUBLISHED:
            found[table] = yield from self.lake.version(table)
        return found


Job = Callable[[Run], Steps]


def run_job(run: Run, job: Job) -> Steps[str]:
    """runner.run_job: refuse while unfinished, do it, leave a row in the ledger."""
    outcome = "succeeded"
    try:
        yield from refuse_while_unfinished(run)
        if run.has("ledger row before Gold") and run.job == "aggregate":
            run.point = yield from run.versions()
            yield from record(run, outcome)
        yield from job(run)
    except Refused:
        outcome = "refused"
    except NotStaged:
        outcome = "not staged"
    except (JobFailed, Conflict) as failure:
        run.store.say(f"{run.name}: {type(failure).__name__}: {failure}")
        outcome = "failed"
    try:
        yield from record(run, outcome)
    except (JobFailed, Conflict):
        outcome = "failed"
    return outcome


def record(run: Run, outcome: str) -> Steps:
    point = run.point if outcome == "succeeded" else None
    row = (run.job, run.day, outcome, run.started_at, run.store.step, point)
    yield from run.lake.append(RUNS, [(run.name, row)])


def refuse_while_unfinished(run: Run) -> Steps:
    begun = yield from _property(run, UNFINISHED)
    # Either of them brings the tables together again after the other.
    goes_on = ("ingest", *(TAKES_BACK if begun in TAKES_BACK else ()))
    if begun and run.job not in goes_on and not run.has("nobody waits"):
        raise JobFailed(f"{begun} has changed some tables and not yet the others")


def _property(run: Run, name: str) -> Steps[str]:
    yield f"look at the properties of {STAGING}"
    return run.lake.log(STAGING).properties().get(name, "")


# --- ingest


def ingest(run: Run) -> Steps:
    """Append the delivery's new files to Bronze, then index them in the manifest."""
    lake, day = run.lake, run.day
    yield from keep_out(run)
    # Before Bronze is read: whoever commits after that takes the number away.
    number = yield from lake.next_number(BRONZE, f"ingest/{day}")
    manifest = yield from lake.read(MANIFEST)
    bronze = yield from lake.read(BRONZE)
    indexed = {key: value[0] for key, value in manifest if key[0][0] == day}
    in_bronze = {(r.file, r.content): row.generation for r, row in bronze if row.day == day}
    yield "read the delivery's files"
    files = [(file, content) for file, content in sorted(run.store.landing.items()) if file[0] == day]
    new = [pair for pair in files if pair not in indexed]
    generations = {pair: _generation(pair, {**in_bronze, **indexed}) for pair in new}
    if run.has("manifest before Bronze"):
        yield from _index(run, new, generations)
    if run.has("the number is the table's version"):
        number = lake.versions_read.get(BRONZE, -1) + 1
    # Bronze is the proof: a file that is in it alone is of a run that was killed before the manifest.
    proof = {} if run.has("the manifest is the proof") else in_bronze
    yield from _append(run, [pair for pair in new if pair not in proof], generations, number)
    yield from _index(run, new, generations)


def _generation(pair: tuple, known: dict) -> int:
    last = max((g for (file, _), g in known.items() if file == pair[0]), default=0)
    return known.get(pair, last + 1)


def _append(run: Run, new: list, generations: dict, number: int) -> Steps:
    if not new:
        return
    lake, day = run.lake, run.day or 0
    rows = [
        (RowId(file, content, number), Delivered(generations[file, content], day, record))
        for file, content in new
        for number, record in enumerate(content)
    ]
    # Two drivers that saw the same of this delivery hold the same number: only one of them commits.
    transaction = None if run.has("Bronze without a number") else (f"ingest/{day}", number)
    yield from lake.append(BRONZE, rows, transaction)
    present = {key for key, _ in (yield from lake.read(BRONZE))}
    if any(key not in present for key, _ in rows):
        raise JobFailed(f"another run ingested the delivery of {day} at the same time")


def _index(run: Run, new: list, generations: dict) -> Steps:
    entries = [((file, content), (generations[file, content], "ingested")) for file, content in new]
    if entries:
        yield from run.lake.append(MANIFEST, entries)


def keep_out(run: Run) -> Steps:
    """Take erased people out of the delivery's files, before anything reads them."""
    if run.has("ingest keeps nobody out"):
        return
    people = {person for person, _ in (yield from run.lake.read(ERASURES))}
    if people:
        yield from redact_landing(run, people, run.day)


def belongs(record, people: set[str]) -> bool:
    """Whether a record is an erased person's: by employee_id, or by an SSN where it has none."""
    return record.person in people or (not record.person and record.names in people)


def redact_landing(run: Run, people: set[str], day: int | None, known: bool = False) -> Steps:
    """landed.redact_landing: new content is in the manifest before it is in the landing zone."""
    yield "search the landing zone"
    plans = []
    for file, content in sorted(run.store.landing.items()):
        # Of whom only the pseudonym of the employee_id is known, an SSN is nobody's.
        kept = tuple(r for r in content if not (r.person in people or (known and belongs(r, people))))
        if kept != content and day in (None, file[0]):
            plans.append((file, content, kept))
    if not run.has("landing before the manifest"):
        yield from _register(run, plans)
    for file, content, kept in plans:
        yield f"replace the file {file}"
        if run.store.landing[file] != content:
            raise JobFailed(f"{file} changed while it was being redacted")
        run.store.landing[file] = kept
    if run.has("landing before the manifest"):
        yield from _register(run, plans)


def _register(run: Run, plans: list) -> Steps:
    if not plans:
        return
    manifest = dict((yield from run.lake.read(MANIFEST)))
    generations = {(r.file, r.content): row.generation for r, row in (yield from run.lake.read(BRONZE))}
    generations |= {pair: value[0] for pair, value in manifest.items()}
    rows: list[Row] = [
        ((file, kept), (generations[file, content], "redacted"))
        for file, content, kept in plans
        if (file, content) in generations and (file, kept) not in generations
    ]
    if rows:
        yield from run.lake.append(MANIFEST, rows)


# --- etl


def etl(run: Run) -> Steps:
    """Stage the delivery's good rows and quarantine the refused ones."""
    for _ in range(_MOST_TRIES):
        decided_at = yield from run.lake.version(ATTEMPTS)
        yield from _stage_as_decided(run)
        if run.has("etl does not look again") or (yield from run.lake.version(ATTEMPTS)) == decided_at:
            return
    raise JobFailed(f"recoveries kept deciding on rows beside etl of {run.day}")


def _stage_as_decided(run: Run) -> Steps:
    bronze = tuple(row for row in (yield from run.lake.read(BRONZE)) if row[1].day == run.day)
    attempts = yield from run.lake.read(ATTEMPTS)
    decisions = {row_id: value[0] for row_id, value in attempts}
    if not bronze and all(key[0][0] != run.day for key, _ in (yield from run.lake.read(MANIFEST))):
        raise JobFailed(f"the delivery of {run.day} is not in Bronze")
    yield from run.lake.together(_quarantine(run, bronze, decisions), _stage(run, bronze, decisions))


def _quarantine(run: Run, bronze: tuple, decisions: dict) -> Steps:
    present = tuple(row for row in (yield from run.lake.read(QUARANTINE)) if row[1][0] == run.day)
    wanted = refused_of(bronze, decisions, present)
    yield from run.lake.sync(QUARANTINE, wanted, lambda row: row[1][0] == run.day)


def _stage(run: Run, bronze: tuple, decisions: dict) -> Steps:
    wanted = staged_of(bronze, decisions)
    present = [row for row in (yield from run.lake.read(STAGING)) if row[0][0] == run.day]
    for key, staged in present:
        if key not in wanted:
            wanted[key] = staged._replace(retracted=True)
    yield from run.lake.sync(STAGING, wanted, lambda row: row[0][0] == run.day)


# --- load


def load(run: Run) -> Steps:
    """Bring Silver to what all loaded deliveries say together, for the people of this delivery."""
    lake, day = run.lake, run.day
    if not any(key[0] == day for key, _ in (yield from lake.read(STAGING))):
        yield from _check_staged(run)
    for _ in range(_MOST_TRIES):
        staged_at = yield from lake.version(STAGING)
        number = yield from lake.next_number(LOADS, f"load/{day}")
        seen = yield from lake.version(LOADS)
        loaded = [key for key, _ in (yield from lake.read(LOADS))]
        if day not in loaded:
            if not run.has("marks after Silver"):
                yield from _mark_loaded(run, number)
            seen, loaded = seen + 1, [*loaded, day]
        yield from _publish(run, loaded)
        if run.has("marks after Silver") and day not in [k for k, _ in (yield from lake.read(LOADS))]:
            yield from _mark_loaded(run, number)
        if run.has("no look again"):
            return
        again = yield from _look_again(run, seen, staged_at, loaded)
        if not again:
            return
    raise JobFailed(f"other loads kept running beside that of {day}")


def _look_again(run: Run, seen: int, staged_at: int, loaded: list) -> Steps[bool]:
    """Whether another load has marked, or another etl has staged a loaded delivery anew."""
    marked = yield from run.lake.version(LOADS)
    if marked != seen:
        return True
    if run.has("looks at the marks alone"):
        return False
    yield f"look at what others have staged since v{staged_at}"
    changed = run.lake.log(STAGING).changed_by_others(staged_at, run.name)
    return any(key[0] in loaded for key in changed)


def _check_staged(run: Run) -> Steps:
    runs = [value for _, value in (yield from run.lake.read(RUNS)) if value[2] == "succeeded"]
    back = max((v[3] for v in runs if v[0] in TAKES_BACK and v[5]), default=-1)
    if not any(v[0] == "etl" and v[1] == run.day and v[3] > back for v in runs):
        raise NotStaged(f"the delivery of {run.day} has not been staged")


def _mark_loaded(run: Run, number: int) -> Steps:
    # Two loads of one delivery that both saw it unmarked hold the same number.
    transaction = None if run.has("marks without a number") else (f"load/{run.day}", number)
    yield from run.lake.append(LOADS, [(run.day, None)], transaction)


def _publish(run: Run, loaded: list) -> Steps:
    staging = yield from run.lake.read(STAGING)
    staged = {(p, s) for (day, p, s), _ in staging if day == run.day}
    people = {person for person, _ in staged}
    versions = versions_of((row for row in staging if row[0][1] in people), loaded)
    touched = {Key(*key) for key in staged}
    if max(loaded) > (run.day or 0):
        touched |= set(versions)
    current = {k: v for k, v in current_of(versions).items() if k in touched}
    history = {k: v for k, v in history_of(versions).items() if k[0] in touched}
    lake = run.lake
    yield from lake.together(
        lake.sync(IDENTITY, identity_of(versions), lambda row: row[0] in people),
        lake.sync(HISTORY, history, lambda row: row[0][0] in touched),
        lake.sync(CURRENT, current, lambda row: row[0] in touched),
    )


# --- aggregate


def aggregate(run: Run, full: bool = False) -> Steps:
    """Bring Gold up to Silver, and look again: of two that ran beside each other the last one is right."""
    for _ in range(_MOST_TRIES):
        before = yield from run.versions()
        # The real load makes an empty Silver before its mark.
        if before[CURRENT] < 0 and before[LOADS] < 0:
            raise JobFailed("there is no Silver yet")
        yield from _bring_up(run, before, full)
        if run.has("aggregate does not look again"):
            return
        yield "look at what others have done to Gold"
        if not any(run.lake.log(table).changed_by_others(before[table], run.name) for table in GOLD):
            return
        run.point, full = None, True
    raise JobFailed("other jobs kept changing Gold")


def _bring_up(run: Run, before: dict[str, int], full: bool) -> Steps:
    lake = run.lake
    seasons = None if full else (yield from changed_seasons(run, before))
    current = yield from lake.read(CURRENT)
    unmoved = (yield from lake.version(CURRENT)) == before[CURRENT]
    yield from lake.together(*(_refresh(run, table, current, seasons) for table in GOLD if seasons != []))
    gold = {}
    for table in GOLD:
        gold[table] = yield from lake.version(table)
    if run.has("the point is of Silver as it is then"):
        before = yield from run.versions()
    if unmoved or run.has("the point is of Silver as it is then"):
        run.point = {**before, **gold}


def _refresh(run: Run, table: str, current: tuple, seasons: list[int] | None) -> Steps:
    wanted = gold_of(table, current, seasons)
    yield from run.lake.sync(table, wanted, lambda row: seasons is None or row[0] in seasons)


def changed_seasons(run: Run, before: dict[str, int]) -> Steps[list[int] | None]:
    """The seasons to compute anew since the newest point, or None for all of them."""
    runs = yield from run.lake.read(RUNS)
    points = [(value[4], value[5]) for _, value in runs if value[2] == "succeeded" and value[5]]
    if not points:
        return None
    _, point = max(points, key=lambda pair: pair[0])
    silver, now = run.lake.log(CURRENT), before[CURRENT]
    yield "look at what has been done to Gold since the point"
    moved = any(run.lake.log(table).changed_by_others(point[table]) for table in GOLD)
    if point[CURRENT] > now or point[CURRENT] < silver.oldest:
        return None
    if moved and not run.has("aggregate trusts Gold"):
        return None
    commits = silver.commits[point[CURRENT] + 1 : now + 1]
    changed = {key.season for commit in commits for key in commit.changed}
    if run.has("only the season itself"):
        return sorted(changed)
    return sorted(changed | {season + 1 for season in changed})
