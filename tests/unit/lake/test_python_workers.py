"""What a session spares Python: archives in the workers' path, and classes looked up again and again."""

import os
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def test_python_workers_have_folders_alone_in_their_path(spark: SparkSession) -> None:
    archives = F.udf(lambda _: [p for p in sys.path if os.path.isfile(p)], "array<string>", useArrow=False)
    assert spark.range(1).select(archives("id")).collect()[0][0] == []


def test_the_classes_of_columns_are_looked_up_once(spark: SparkSession) -> None:
    jvm = spark.sparkContext._jvm
    assert jvm is not None and jvm.functions is jvm.functions and jvm.PythonUtils is jvm.PythonUtils
