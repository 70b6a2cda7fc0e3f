"""Lineage: what each run of a job read and wrote, told to others as OpenLineage events."""
