"""A Databricks workspace: its recurring jobs, what their runs left, and changes to them."""
