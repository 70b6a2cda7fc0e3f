"""What a run reads and writes, in files and bytes, as Spark and Delta's logs themselves count it.

Reading, of tables and their logs, is told by the metrics of the plans that Spark ran (what its UI shows as
"number of files read" and "size of files read", after pruning), so that it holds on executors as in the
driver, and of two runs in one process each counts its own. Writing is told by the log of each commit.
"""

import json
import re
import time
from collections.abc import Callable
from typing import Any

from pyspark.sql import SparkSession

from spark_jobs.lake.commits import Files

_FILES, _BYTES = "number of files read", "size of files read"
_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4, "PiB": 1024**5}
#: Spark counts in threads of its own: how long to wait until they have told of the last query.
_PATIENCE_SECONDS = 2.0


def last_query(spark: SparkSession) -> int:
    """The number of the newest query that Spark has told of: all that begin later have higher ones."""
    return _last(spark.sparkContext)


def read_by(spark: SparkSession, group: str, since: int) -> Files:
    """What the queries of a job group have read that began after the query `since` (`last_query`)."""
    context: Any = spark.sparkContext
    _listen(context)
    jobs = set(context.statusTracker().getJobIdsForGroup(group))
    return _read(context, since, lambda query: bool(jobs & {int(j) for j in query["jobs"]}))


def read_since(spark: SparkSession, since: int) -> Files:
    """What all queries have read that began after the query `since`."""
    _listen(spark.sparkContext)
    return _read(spark.sparkContext, since, lambda query: True)


def _listen(context: Any) -> None:
    context._jsc.sc().listenerBus().waitUntilEmpty(int(_PATIENCE_SECONDS * 1000))


def _read(context: Any, since: int, which: Callable[[dict[str, Any]], bool]) -> Files:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        ours = [query for query in _queries(context, since) if which(query)]
        done = all(query["metricValues"] is not None for query in ours)
        if done or time.monotonic() > deadline:
            return sum((_read_in(query) for query in ours), Files())
        time.sleep(0.005)


def _queries(context: Any, since: int) -> list[dict[str, Any]]:
    jvm = context._jvm
    # The newest so many: py4j cannot hand over the first one's number as the object that `first` takes.
    newest = _told(context).reverse().max(max(_last(context) - since, 1))
    # As JSON in one call: one for each metric of each query would take seconds.
    json_of = jvm.com.fasterxml.jackson.databind.ObjectMapper()
    json_of.registerModule(jvm.com.fasterxml.jackson.module.scala.DefaultScalaModule())
    queries = jvm.org.apache.spark.status.KVUtils.viewToSeq(newest)
    return json.loads(json_of.writeValueAsString(queries))


def _last(context: Any) -> int:
    known = _told(context).reverse().max(1).iterator()
    return int(known.next().executionId()) if known.hasNext() else -1


def _told(context: Any) -> Any:
    """Spark's own record of queries, which it keeps without its UI, too: the last thousand of them."""
    kind = context._jvm.java.lang.Class.forName("org.apache.spark.sql.execution.ui.SQLExecutionUIData")
    return context._jsc.sc().statusStore().store().view(kind)


def _read_in(query: dict[str, Any]) -> Files:
    values = query["metricValues"] or {}
    kinds = {str(metric["accumulatorId"]): metric["name"] for metric in query["metrics"]}
    told = [(kinds.get(key), value) for key, value in values.items()]
    return Files(
        files=sum(_number(value) for name, value in told if name == _FILES),
        bytes=sum(_size(value) for name, value in told if name == _BYTES),
    )


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text) or 0)


def _size(text: str) -> int:
    """Bytes from a text such as `38.1 KiB`: Spark rounds, by a fortieth at most."""
    found = re.search(r"([\d.,]+)\s*([KMGTP]iB|B)\b", text.rpartition("\n")[2])
    return round(float(found[1].replace(",", "")) * _UNITS[found[2]]) if found else 0
