"""Cluster timelines and rates in, costs out."""
