"""The data contracts and their reader."""
