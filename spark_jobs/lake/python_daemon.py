"""PySpark's daemon of Python workers, with nothing in its path but folders.

Before each task a worker makes Python forget what it knows of its path (importlib.invalidate_caches). For
the archives that Spark puts there (pyspark and Py4J as zip, its own core as jar) that means to read their
directories again, which takes longer than the task itself on a day's feed. The packages are installed.
"""

import os
import sys

sys.path[:] = [place for place in sys.path if not os.path.isfile(place)]
sys.path_importer_cache.clear()

if __name__ == "__main__":
    from pyspark.daemon import manager

    manager()
