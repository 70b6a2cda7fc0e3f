"""What has been delivered: the files of one day in the landing zone."""

import datetime as dt
from dataclasses import dataclass

from pyspark.sql import SparkSession

from spark_jobs.errors import DeliveryNotThere
from spark_jobs.lake import storage


@dataclass(frozen=True)
class Delivery:
    """The files of one delivery; `ignored` are the names that are no data (hidden files, markers)."""

    dataset: str
    date: dt.date
    folder: str
    files: tuple[storage.StoredFile, ...]
    ignored: tuple[str, ...]

    def source_file(self, file: storage.StoredFile) -> str:
        """A file's path relative to the landing zone: its name in Bronze and the manifest."""
        return f"{self.dataset}/{self.date}/{file.name}"


def find_delivery(spark: SparkSession, landing: str, dataset: str, date: dt.date) -> Delivery:
    """The delivery of a day.

    Raises DeliveryNotThere where the landing zone, the day's folder or any file in it is missing.
    """
    if not storage.exists(spark, f"{landing}/{dataset}"):
        raise DeliveryNotThere(
            f"The landing zone {landing} has no folder {dataset}: check --landing (MLB_LANDING)."
        )
    folder = f"{landing}/{dataset}/{date}"
    if not storage.exists(spark, folder):
        raise DeliveryNotThere(f"There is no delivery of {date}: the folder {folder} does not exist.")
    listed = storage.list_files(spark, folder)
    files = tuple(file for file in listed if not file.name.startswith((".", "_")))
    ignored = tuple(file.name for file in listed if file.name.startswith((".", "_")))
    if not files:
        raise DeliveryNotThere(f"There is no delivery of {date}: the folder {folder} holds no file.")
    return Delivery(dataset, date, folder, files, ignored)
