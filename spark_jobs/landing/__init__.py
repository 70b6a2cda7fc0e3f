"""The landing zone: what has been delivered, and what its bytes say."""
