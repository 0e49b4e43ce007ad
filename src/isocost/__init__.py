"""Isocost keeps every recurring Spark job on the cheapest cluster that still meets its deadline."""

__version__ = "0.1.0"
