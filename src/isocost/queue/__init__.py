"""Who does work later: the port, this machine's processes, and workers on PostgreSQL."""
