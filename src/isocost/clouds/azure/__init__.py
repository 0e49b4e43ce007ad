"""Microsoft Azure: where event logs lie in blob containers."""
