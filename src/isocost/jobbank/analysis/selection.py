"""Rows in, those that a question is about out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from isocost.jobbank.measured.policies import ENGINE, is_predicting
from isocost.jobbank.rows import Rows
from isocost.jobbank.tables import PredictionRow


def judged_predictions(rows: Rows) -> list[PredictionRow]:
    """Return predictions that a model made and whose run ended; a guess is no prediction."""
    return [
        row
        for row in rows.predictions
        if is_predicting(row.policy) and row.error_fraction is not None
    ]


def policies_of(rows: Rows) -> list[str]:
    """Return the policies in the order in which they first come."""
    return list(dict.fromkeys(row.policy for row in rows.trials))


def policy_told(rows: Rows) -> str | None:
    """Return whose predictions a page tells of: the engine's, else the first there are.

    Policies predict unlike, and a rival's errors are none of the engine's, so no figure is of the
    predictions of two. None where no policy predicts.
    """
    predicting = [policy for policy in policies_of(rows) if is_predicting(policy)]
    return ENGINE if ENGINE in predicting else next(iter(predicting), None)


def with_predictions_of(rows: Rows, policy: str | None) -> Rows:
    """Return the rows without the predictions of other policies; all runs and trials stay."""
    return replace(rows, predictions=[row for row in rows.predictions if row.policy == policy])


def absolute_errors(predictions: Iterable[PredictionRow]) -> list[tuple[str, float]]:
    """Return each workload with the absolute error of one of its predictions, a fraction."""
    return [
        (row.workload, abs(row.error_fraction))
        for row in predictions
        if row.error_fraction is not None
    ]


def share_inside(predictions: Sequence[PredictionRow]) -> float | None:
    """Return the share of runtimes that fell into their 80 % interval; None of none."""
    known = [row.is_in_80 for row in predictions if row.is_in_80 is not None]
    return sum(known) / len(known) if known else None
