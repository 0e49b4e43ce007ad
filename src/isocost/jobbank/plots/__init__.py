"""Answers of the analysis in, figures with sentences that say what one sees out."""
