"""Builders and conformance suites that tests and adapters share."""
