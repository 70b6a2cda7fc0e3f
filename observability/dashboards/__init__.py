"""The dashboards, a module each, with a function `dashboard` that builds it."""
