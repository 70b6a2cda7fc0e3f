"""Personal data: pseudonyms and their key."""
