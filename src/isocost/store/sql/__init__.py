"""The store in a SQL database: SQLite by default, with migrations."""
