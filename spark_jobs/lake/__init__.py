"""The lake: the session, the tables, and the only code that commits to them."""
