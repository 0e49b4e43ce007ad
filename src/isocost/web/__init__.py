"""The pages of the server, and the report: what is stored in, HTML for people out."""
