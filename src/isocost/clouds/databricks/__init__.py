"""Databricks file systems: where event logs lie in DBFS and in volumes."""
