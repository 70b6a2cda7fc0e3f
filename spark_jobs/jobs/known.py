"""What staging knows of a batch's people, read as narrowly as is enough."""

from dataclasses import dataclass, replace

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.jobs.context import JobContext
from spark_jobs.lake.joins import matching, without
from spark_jobs.lake.lake import is_large
from spark_jobs.lake.tables import identity_columns
from spark_jobs.silver.versions import refused_deliveries

_OWN = "_own"


@dataclass(frozen=True)
class Known:
    """Staged rows about a batch's people: those of its own keys whole, or those of all of their keys.

    `others` are the rows of the people's other keys where `rows` has not got them: only with the columns
    that tell who somebody is.
    """

    rows: DataFrame
    others: DataFrame | None = None

    def kept(self) -> "Known":
        """The same, the others computed and kept: on the disk, since they may be many."""
        if self.others is None:
            return self
        return replace(self, others=self.others.localCheckpoint(storageLevel=StorageLevel.DISK_ONLY))

    def refused(self, job: JobContext, *more: DataFrame) -> DataFrame:
        """The `refused_deliveries` of these rows and some more."""
        others = [] if self.others is None else [self.others]
        return refused_deliveries(job.contract, self.rows, *others, *more)


def known_of_people(
    job: JobContext, batch: DataFrame, rows_of_batch: int, deliveries: Column, all_keys: bool = False
) -> Known:
    """Staged rows of some deliveries about the people of a batch.

    Rows of the batch's own keys, with `all_keys` those of every key. A large staging gives the people's
    other rows apart and narrow: to read all columns of all rows takes several times as long.
    """
    contract, staging = job.contract, job.tables.staging
    person, key = [contract.person], list(contract.key)
    rows = job.lake.read(staging).where(deliveries)
    if all_keys or job.lake.is_small(staging):
        # Kept, since it is used twice: for who is believed, and for the rows themselves.
        return Known(matching(rows, batch, person).localCheckpoint())
    # Literals, so that files and parts of files without these seasons are not read.
    partitions = [row[0] for row in batch.select(contract.partition).distinct().collect()]
    own = matching(rows.where(F.col(contract.partition).isin(partitions)), batch, key)
    states = {*key, contract.sequence, contract.operation, *identity_columns(contract)}
    states |= {"_delivery_date", "_retracted"}
    stated = matching(rows.select(*(name for name in rows.columns if name in states)), batch, person)
    others = without(stated, batch, key)
    if is_large(rows_of_batch):
        return Known(own, others)  # computed with what follows, which is compiled, too
    with job.lake.compiled():
        both = own.withColumn(_OWN, F.lit(True)).unionByName(
            others.withColumn(_OWN, F.lit(False)), allowMissingColumns=True
        )
        both = both.localCheckpoint()
    is_own = F.col(_OWN)
    return Known(both.where(is_own).drop(_OWN), both.where(~is_own).select(*others.columns))
