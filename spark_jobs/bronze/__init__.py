"""Bronze: everything as delivered, plus where it came from."""
