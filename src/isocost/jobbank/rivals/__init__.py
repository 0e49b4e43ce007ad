"""Policies that the engine is measured against, each by the rule it was published with."""
