"""The jobs: each reads, chains transformations, writes and reports, in a page."""
