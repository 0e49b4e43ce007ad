"""Who remembers: the port in `base`, memory and SQL behind it."""
