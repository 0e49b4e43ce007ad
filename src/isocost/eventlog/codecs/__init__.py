"""Compressed bytes in, plain bytes out: what Spark compresses event logs with."""
