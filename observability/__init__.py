"""Dashboards and alert rules as code: `make dashboards` writes the files that the charts ship."""
