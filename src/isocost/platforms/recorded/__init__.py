"""A platform that answers with runs measured before, read from CSV files."""
