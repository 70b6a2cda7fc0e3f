"""The MLB employee data platform: PySpark jobs from CSV deliveries to Gold."""
