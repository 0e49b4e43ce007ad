"""Isocost keeps recurring Spark jobs on the cheapest cluster that still meets their deadline."""

__version__ = "0.1.0"
