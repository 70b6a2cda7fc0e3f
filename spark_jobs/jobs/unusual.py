"""The gate before load: a delivery that is unlike those before it warns, or waits for a person."""

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import functions as F

from spark_jobs.errors import BadDelivery
from spark_jobs.gold.data_quality_daily import accepted
from spark_jobs.gold.delivery_counts import staged_by_delivery
from spark_jobs.jobs.context import JobContext
from spark_jobs.jobs.quality import limits, refresh_quality, staged_rows
from spark_jobs.usual import STOPPING, UNKNOWN, USUAL, Passed, bounds

RUNBOOK = "docs/runbooks/unusual-delivery.md"
#: Rows and payroll of a delivery, None where they are not known.
Figures = tuple[float, float | None]


def check_usual(job: JobContext, loaded: Sequence[dt.date], passed: Passed | None) -> None:
    """Note where the delivery is unlike the loaded ones before it; BadDelivery where it is very unlike.

    A delivery that is loaded already is not asked again. Only loaded deliveries are what is usual, so
    that one that waits here makes no other look usual. It says whether a delivery is loaded, never what
    the tables hold of those that are.
    """
    if passed:
        told = {"accept_unusual": str(job.date), "by": passed.by, "reason": passed.reason}
        job.run.parameters.update(told)
    before = [date for date in loaded if date < job.date]
    if job.date in loaded or len(before) < job.settings.unusual_minimum:
        return
    found = _unusual(job, before)
    stops = [sentence for verdict, sentence in found if verdict in STOPPING]
    job.run.rows.update(
        unusual=len(found), unusual_stopping=len(stops), unusual_accepted=int(bool(stops and passed))
    )
    job.run.notes.extend(f"The delivery of {job.date} is unusual: {sentence}." for _, sentence in found)
    if stops and passed:
        job.run.notes.append(f"It was let pass by {passed.by}: {passed.reason}")
    elif stops:
        refresh_quality(job, BadDelivery.exit_code)  # no aggregate comes after it
        raise BadDelivery(
            f"The delivery of {job.date} is very unusual: {' and '.join(stops)}. Nothing of it is in "
            f"Silver. Is it right, let it pass: `spark-jobs run --date {job.date} --accept-unusual "
            f"{job.date} --reason TEXT`; else have it delivered again ({RUNBOOK})."
        )


def _unusual(job: JobContext, before: Sequence[dt.date]) -> list[tuple[str, str]]:
    """Each figure that is not usual: its verdict, and what it is as a sentence's part."""
    # Some of the deliveries may have no rows or payroll, which say nothing of what is usual.
    chosen = sorted(before)[-2 * job.settings.unusual_history :]
    known = _figures(job, [*chosen, job.date])
    rows, payroll = known.get(job.date, (0, None))
    found = []
    for name, value, earlier in (
        ("rows", rows, [known[date][0] for date in chosen if date in known]),
        ("payroll", payroll, [known[date][1] or 0 for date in chosen if date in known]),
    ):
        usual = bounds(earlier, limits(job))
        verdict = usual.verdict(value) if usual and value is not None else UNKNOWN
        if usual and value is not None and verdict not in (USUAL, UNKNOWN):
            found.append((verdict, _sentence(name, value, usual.usual)))
    return found


def _figures(job: JobContext, dates: Sequence[dt.date]) -> dict[dt.date, Figures]:
    of_dates = F.col("_delivery_date").isin(*dates)
    quarantine = job.lake.read(job.tables.quarantine).where(of_dates)
    staged = staged_by_delivery(staged_rows(job).where(of_dates), quarantine).collect()
    return {
        date: (good.rows, None if good.payroll is None else float(good.payroll))
        for date, good in accepted(staged).items()
    }


def _sentence(name: str, value: float, usual: float) -> str:
    share = f"{value / usual:.1%} of" if value < usual else f"{value / usual:,.1f} times"
    if name == "rows":
        return f"it has {value:,.0f} good rows, {share} the usual {usual:,.0f}"
    return f"its payroll is {share} the usual"
