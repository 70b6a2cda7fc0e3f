"""One process of the crowd: `python -m tests.reliability.crowd.committer NAME HOW_MANY`.

Appends one row a commit as the jobs do, numbered by what the table knows of it, until so many are there. A
commit that a process before it had under way, and that comes after all, is no error: it looks again.
"""

import sys

from spark_jobs.lake.conflicts import CONFLICTS
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.session import start_session
from spark_jobs.lake.tables import Table
from spark_jobs.settings import Settings

#: The table that all commit to.
CROWDED = Table(
    name="crowded",
    description="Rows that many processes append beside each other.",
    columns="process string, number int",
    key=("process", "number"),
    statistics=("number",),
)


def application(name: str) -> str:
    """Under which a process numbers its commits."""
    return f"crowd/{name}"


def main() -> None:
    name, how_many = sys.argv[1], int(sys.argv[2])
    settings = Settings()
    spark = start_session(settings, f"crowd-{name}")
    lake = Lake(spark, settings.lake_root)
    while (number := lake.next_number(CROWDED, application(name))) < how_many:
        row = spark.createDataFrame([(name, number)], CROWDED.schema).coalesce(1)
        try:
            lake.append(CROWDED, row, (application(name), number))
        except CONFLICTS as late:
            print(f"looks again: {str(late).splitlines()[0]}", flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main()
