"""What staging knows of a batch's people, read as narrowly as is enough."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.jobs.context import JobContext
from spark_jobs.lake.joins import matching, without
from spark_jobs.lake.lake import is_large
from spark_jobs.lake.tables import identity_columns


def known_of_people(
    job: JobContext, batch: DataFrame, rows_of_batch: int, deliveries: Column, all_keys: bool = False
) -> DataFrame:
    """Staged rows of some deliveries about the people of a batch.

    Rows of the batch's own keys are whole, with `all_keys` those of every key. Of the people's other rows a
    large staging gives only what tells who a person is (for the conflicts of `hold_conflicts` and for
    `identity_rows`), and null for the rest: to read all columns of all rows takes several times as long.
    """
    contract, staging = job.contract, job.tables.staging
    person, key = [contract.person], list(contract.key)
    rows = job.lake.read(staging).where(deliveries)
    if all_keys or job.lake.is_small(staging):
        return matching(rows, batch, person)
    # Literals, so that files and parts of files without these seasons are not read.
    partitions = [row[0] for row in batch.select(contract.partition).distinct().collect()]
    whole = matching(rows.where(F.col(contract.partition).isin(partitions)), batch, key)
    states = {*key, contract.sequence, contract.operation, *identity_columns(contract)}
    states |= {"_delivery_date", "_retracted"}
    stated = matching(rows.select(*(name for name in rows.columns if name in states)), batch, person)
    known = whole.unionByName(without(stated, batch, key), allowMissingColumns=True)
    if is_large(rows_of_batch):
        return known  # computed with what follows, which is compiled, too
    with job.lake.compiled():
        return known.localCheckpoint()
