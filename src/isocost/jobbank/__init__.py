"""Experiments: many projects carried through the closed loop, and what they tell."""
