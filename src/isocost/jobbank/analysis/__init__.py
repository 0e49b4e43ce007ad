"""Rows of an experiment's tables in, answers to one question each out; pure."""
