"""Silver: typed, judged, reduced to one row a key, and the versions of each key."""
