"""What one DAG makes and another waits for, as Airflow's graph of assets shows it."""

from airflow.sdk import Asset

#: Rows that were refused, in the quarantine; the pipeline adds to it, the recovery starts after it.
REFUSED_ROWS = Asset(name="mlb_refused_rows", uri="mlb://quarantine/employees", group="mlb")
