"""A job as a process: what it tells whoever started it, how a signal ends it, how its log is read."""
