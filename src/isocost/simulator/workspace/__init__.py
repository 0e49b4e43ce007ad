"""A Databricks workspace in memory: definitions, runs, clusters, files and tables over a clock."""
