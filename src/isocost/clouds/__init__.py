"""Who keeps the event logs: the port in `base`, one module for each place."""
