"""What the DAGs share, installed where Airflow runs: a triggerer cannot import from a DAG folder."""
