"""Event-log bytes in, run profiles out; never opens a file."""
