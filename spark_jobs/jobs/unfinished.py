"""The mark of a job that changes many tables and has not finished: others wait until it has.

Delta commits one table at a time. Between the first and the last commit of a restore, say, the tables do
not belong together, and what another job made of them would not either. The mark is a property of
the staging table, set before the first of them and removed after the last, so that a job that was killed in
between leaves it.
"""

from spark_jobs.errors import JobError
from spark_jobs.jobs.context import JobContext

UNFINISHED = "mlb.unfinished"
#: Which jobs bring the tables together again after which, besides the same one.
_ALSO_ENDED_BY = {"restore": ("reprocess",), "reprocess": ("restore",)}
#: Jobs that touch none of the tables that belong together.
_UNCONCERNED = ("ingest",)


def refuse_while_unfinished(job: JobContext) -> None:
    """Raise JobError where another job has begun to change the tables and was not finished."""
    begun = unfinished(job)
    if not begun or job.run.job in _UNCONCERNED:
        return
    name = begun.split()[0]
    if job.run.job not in (name, *_ALSO_ENDED_BY.get(name, ())):
        raise JobError(
            f"`spark-jobs {begun}` has changed some tables and not yet the others, so that {job.run.job} "
            "must wait: if it is no longer running, run it again to finish it."
        )


def unfinished(job: JobContext) -> str | None:
    """The command that was not finished; None where there is none."""
    return job.lake.property(job.tables.staging, UNFINISHED)


def command(job: JobContext) -> str:
    """The run's command as a person would type it again."""
    options = [f"--{name.replace('_', '-')} {value}" for name, value in job.run.parameters.items()]
    return " ".join([job.run.job, *options])
