"""Grafana's dashboards and Prometheus's alert rules as code; `make dashboards` writes the files that the charts ship."""
