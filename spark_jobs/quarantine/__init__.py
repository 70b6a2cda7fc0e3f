"""The quarantine: what was refused, and why."""
