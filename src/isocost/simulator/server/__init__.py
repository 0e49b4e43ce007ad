"""The simulated workspace's REST API: HTTP requests in, Databricks' JSON answers out."""
