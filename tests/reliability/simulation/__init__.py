"""A seeded simulation of the project's own protocol: what it promises under faults, tried on many seeds.

Two halves. `log_store` runs the real Java class S3ConditionalLogStore over a fake file system. `jobs` and
`ways_back` are a model of the jobs, step by step as the code has them, over a fake lake (`lake`, `store`)
whose commits behave as the first half shows that the real class does. `drivers` runs several jobs beside
each other, kills them and runs them again. docs/decisions/simulation.md says what this does not prove.
"""
