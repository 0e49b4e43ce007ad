"""Predictions in; how they get better from run to run, out: the learning curve."""

from collections.abc import Sequence
from dataclasses import dataclass

from isocost.jobbank.analysis.estimates import Estimate, clustered_mean
from isocost.jobbank.analysis.selection import absolute_errors, share_inside
from isocost.jobbank.tables import PredictionRow


@dataclass(frozen=True, slots=True)
class Iteration:
    """The predictions of one place among the runs.

    Attributes:
        ordinal: of the predicted run; 1 follows the cold start.
        error: mean absolute error, a fraction.
        inside: share of runtimes in their 80 % interval.
    """

    ordinal: int
    error: Estimate
    inside: float


def learning_curve(predictions: Sequence[PredictionRow]) -> list[Iteration]:
    """Return the iterations that have predictions, in their order.

    A project that has settled is predicted no more, so later iterations are of those that are
    hard to settle.
    """
    found = []
    for ordinal in sorted({row.child_ordinal for row in predictions}):
        rows = [row for row in predictions if row.child_ordinal == ordinal]
        error, inside = clustered_mean(absolute_errors(rows)), share_inside(rows)
        if error is not None and inside is not None:
            found.append(Iteration(ordinal, error, inside))
    return found
