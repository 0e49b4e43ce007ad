"""Who runs the job: the port in `base`, one package for each platform."""
