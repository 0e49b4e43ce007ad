"""Work on many machines: procrastinate's queue in PostgreSQL, and processes that empty it."""
