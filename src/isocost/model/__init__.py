"""Run history and a candidate in, a prediction with an interval out."""
