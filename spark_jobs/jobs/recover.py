"""recover: the way back from the quarantine. Decisions on refused rows, then the same etl and load."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from spark_jobs.errors import BadDelivery, JobError, UsageError
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.erasures import entries, people_of, record_rule
from spark_jobs.lake.joins import matching
from spark_jobs.ledger import Run
from spark_jobs.quarantine.attempts import MEND, REJECT, RETRY
from spark_jobs.quarantine.corrections import Correction
from spark_jobs.quarantine.refused import OPEN, REJECTED, REPLAYED, SUPERSEDED

#: Runs one stage for one day, as a run of its own in the ledger.
RunStage = Callable[[str, dt.date], Run]
#: What is tried with one row: its `_row_id`, the decision and, for a mend, the columns as JSON.
Decision = tuple[str, str, str | None]


def recover(
    job: JobContext, corrections: Sequence[Correction] | None, by: str, run_stage: RunStage
) -> None:
    """Send refused rows through etl and load again, as mended or (`corrections` is None) as they are.

    Without corrections every open row is judged again, which helps where the contract's rules have changed
    since; a delivery that is refused as a whole again is then noted, since nobody has mended it. What was
    decided is kept first: a recovery that was killed is finished by the next one. Raises UsageError for an
    unknown or settled row and for one mended into an erased person's, and the error of a delivery that
    cannot be staged.
    """
    _refuse_erased(job, corrections or ())
    decisions = _decided(job, corrections) if corrections is not None else _to_retry(job)
    _keep(job, decisions, by)
    pending = _pending(job)
    days = sorted(row[0] for row in pending.select("_delivery_date").distinct().collect())
    failed = [run for run in (_replay(day, run_stage) for day in days) if run.exit_code]
    done = [day for day in days if day not in _days(failed)]
    if done and (gold := run_stage("aggregate", done[-1])).exit_code:
        # What was tried stays unsettled, or the next recovery would find nothing to do and leave Gold.
        failed, done = [*failed, gold], []
    unmended = [run for run in failed if corrections is None and run.exit_code == BadDelivery.exit_code]
    job.run.notes.extend(f"Still refused: {run.error}" for run in unmended)
    retried = (F.col("decision") == RETRY) & F.col("_delivery_date").isin(_days(unmended))
    _settle(job, pending.where(F.col("_delivery_date").isin(done) | retried))
    _raise_first(run for run in failed if run not in unmended)


def _refuse_erased(job: JobContext, corrections: Sequence[Correction]) -> None:
    """Nobody who has been erased comes back by a correction."""
    people = people_of(job, entries(job))
    if people is None:
        return
    rule = record_rule(job, people)
    lines = [c.line for c in corrections if c.record and rule.people_in(json.dumps(c.record))]
    if lines:
        raise UsageError(
            f"Line {', '.join(map(str, lines))} of the corrections names a person who has been erased: "
            "take it out. Nothing was changed."
        )


def _decided(job: JobContext, corrections: Sequence[Correction]) -> list[Decision]:
    ids = job.spark.createDataFrame([(c.row_id,) for c in corrections], "_row_id string")
    present = matching(job.lake.read(job.tables.quarantine).where("kind = 'row'"), ids, ["_row_id"])
    states = {row["_row_id"]: row["state"] for row in present.select("_row_id", "state").collect()}
    tried = _newest(job, ids)
    decisions = []
    for correction in corrections:
        record = json.dumps(correction.record, sort_keys=True) if correction.record else None
        decision = (correction.row_id, correction.decision, record)
        last = tried.get(correction.row_id)
        if last and (last["decision"], last["record"]) == decision[1:]:
            continue  # a recovery that is run again
        state = states.get(correction.row_id)
        if state != OPEN:
            about = f"is {state}, no longer open" if state else "is not in the quarantine"
            raise UsageError(f"Line {correction.line} of the corrections: {correction.row_id} {about}.")
        decisions.append(decision)
    return decisions


def _to_retry(job: JobContext) -> list[Decision]:
    refused = job.lake.read(job.tables.quarantine).where(F.expr(f"kind = 'row' AND state = '{OPEN}'"))
    under_this = F.expr(f"decision = '{RETRY}' AND contract_digest = '{job.contract.digest}'")
    tried = job.lake.read(job.tables.attempts).where(under_this).select("_row_id").distinct()
    retried = refused.select("_row_id").subtract(tried).collect()
    if not retried:
        job.run.notes.append(
            "No open row is to be judged again: each has been under this contract. Mend rows "
            "(spark-jobs quarantine export) or change the contract first."
        )
    return [(row["_row_id"], RETRY, None) for row in retried]


def _newest(job: JobContext, ids: DataFrame) -> dict[str, Row]:
    """The newest mend or rejection of each row."""
    attempts = matching(job.lake.read(job.tables.attempts), ids, ["_row_id"])
    decided = attempts.where(F.col("decision").isin(MEND, REJECT)).orderBy("at").collect()
    return {row["_row_id"]: row for row in decided}


def _keep(job: JobContext, decisions: Sequence[Decision], by: str) -> None:
    """Write what was decided, before anything follows from it."""
    if not decisions:
        return
    now, contract = dt.datetime.now(dt.UTC), job.contract
    rows = [
        (_attempt_id(job, *decision), *decision, by, now, contract.version, contract.digest)
        for decision in decisions
    ]
    schema = (
        "attempt_id string, _row_id string, decision string, record string, by string, "
        "at timestamp, contract_version string, contract_digest string"
    )
    table = job.tables.attempts
    days = job.lake.read(job.tables.quarantine).select("_row_id", "_delivery_date")
    empty = {
        "outcome": F.lit(None).cast("string"),
        "reasons": F.lit(None).cast(table.schema["reasons"].dataType),
    }
    new = job.spark.createDataFrame(rows, schema).join(days, on="_row_id", how="inner").withColumns(empty)
    job.lake.sync(table, new.select(*table.schema.names), job.lake.empty(table.schema))
    job.run.rows.update(attempts=len(decisions))


def _attempt_id(job: JobContext, row_id: str, decision: str, record: str | None) -> str:
    content = json.dumps([row_id, decision, record, job.run.run_id])
    return hashlib.sha256(content.encode()).hexdigest()


def _pending(job: JobContext) -> DataFrame:
    """The attempts of which it is not known yet what became of them."""
    return job.lake.read(job.tables.attempts).where("outcome IS NULL").localCheckpoint()


def _replay(day: dt.date, run_stage: RunStage) -> Run:
    run = run_stage("etl", day)
    return run if run.exit_code else run_stage("load", day)


def _days(runs: Iterable[Run]) -> list[dt.date | None]:
    return [run.delivery_date for run in runs]


def _settle(job: JobContext, pending: DataFrame) -> None:
    """Note what became of each attempt: the state in which its row is now, and why."""
    states = job.lake.read(job.tables.quarantine).selectExpr(
        "_row_id", "state AS _state", f"CASE WHEN state = '{OPEN}' THEN reasons END AS _now"
    )
    known = pending.join(states, on="_row_id", how="inner").localCheckpoint()
    settled = known.withColumns({"outcome": F.col("_state"), "reasons": F.col("_now")})
    job.lake.sync(job.tables.attempts, settled.select(*pending.columns), pending)
    counts = {row["_state"]: row["count"] for row in known.groupBy("_state").count().collect()}
    names = {REPLAYED: "replayed", REJECTED: "rejected", SUPERSEDED: "superseded", OPEN: "refused_again"}
    job.run.rows.update({name: counts.get(state, 0) for state, name in names.items()})


def _raise_first(failed: Iterable[Run]) -> None:
    runs: list[Any] = sorted(failed, key=lambda run: run.exit_code != 3)
    if not runs:
        return
    first, kind = runs[0], BadDelivery if runs[0].exit_code == 3 else JobError
    said = [
        f"{first.job} of {first.delivery_date}: {error} The decisions are kept: recover again."
        for error in (first.error, first.error_for_others or "It failed.")
    ]
    raise kind(*said)
