"""`python -m spark_jobs` is the same as the command `spark-jobs`."""

from spark_jobs.cli import main

main()
