"""The lake's metrics for Prometheus: what the ledger, the quarantine and the tables' logs say."""
