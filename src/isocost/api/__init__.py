"""The server's HTTP door: webhooks in, stored facts out as JSON."""
