"""Policies measured on grids whose best cluster is known."""
