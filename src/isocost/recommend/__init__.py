"""Predictions and limits in, one explained recommendation out."""
