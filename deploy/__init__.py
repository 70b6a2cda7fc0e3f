"""The whole platform on one cluster, for trials: `python -m deploy --help`."""
