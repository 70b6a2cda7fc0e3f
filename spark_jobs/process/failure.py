"""What an unexpected error is called: the reason behind it, where this process knows it."""

from py4j.protocol import Py4JNetworkError

from spark_jobs.errors import sentence_of
from spark_jobs.lake.jvm import death_of_jvm


def failure_sentence(error: BaseException) -> str:
    """One sentence. Where a connection broke because the JVM is gone, that is what it says."""
    broken = isinstance(error, (Py4JNetworkError, OSError))
    return (death_of_jvm() if broken else None) or sentence_of(error)
