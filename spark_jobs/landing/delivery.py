"""What has been delivered: the files of one day in the landing zone."""

import datetime as dt
from dataclasses import dataclass

from pyspark.sql import SparkSession

from spark_jobs.errors import DeliveryNotThere
from spark_jobs.lake import storage


@dataclass(frozen=True)
class Delivery:
    """The files of one delivery; `ignored` says by name why something in its folder is no file of it."""

    dataset: str
    date: dt.date
    folder: str
    files: tuple[storage.StoredFile, ...]
    ignored: dict[str, str]

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
    ignored = {file.name: why for file in listed if (why := _why_ignored(file.name))}
    files = tuple(file for file in listed if file.name not in ignored)
    ignored |= dict.fromkeys(storage.list_folders(spark, folder), "it is a folder")
    if not files:
        raise DeliveryNotThere(f"There is no delivery of {date}: the folder {folder} holds no file.")
    return Delivery(dataset, date, folder, files, ignored)


def _why_ignored(name: str) -> str | None:
    if name.startswith((".", "_")):
        return "it is hidden"
    # Hadoop's name for a file that is being copied, which Spark's reader leaves out.
    return "it has not been copied whole" if name.endswith("._COPYING_") else None
