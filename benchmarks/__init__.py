"""How fast and how cheap the pipeline is beside what people would use in its place: `make bench`."""
