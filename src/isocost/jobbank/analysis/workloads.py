"""Rows in; how each workload fares, out: its prediction errors and what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isocost.jobbank.analysis.estimates import Estimate, clustered_mean
from isocost.jobbank.analysis.measures import by_trial, cost_ratio
from isocost.jobbank.analysis.selection import judged_predictions, share_inside
from isocost.jobbank.rows import Rows
from isocost.jobbank.tables import PredictionRow


@dataclass(frozen=True, slots=True)
class WorkloadErrors:
    """The predictions of one workload.

    Attributes:
        error: mean absolute error, a fraction; a trial is one witness.
        inside: share of runtimes in their 80 % interval.
    """

    workload: str
    error: Estimate
    inside: float


@dataclass(frozen=True, slots=True)
class WorkloadCost:
    """What one workload costs under one policy.

    Attributes:
        ratio: mean cost of the runs after the cold start, over the cold start's; a trial is one
            witness.
        of_trials: the same of each trial.
    """

    workload: str
    ratio: Estimate
    of_trials: tuple[float, ...]


def errors_by_workload(rows: Rows) -> list[WorkloadErrors]:
    """Return the workloads with predictions, the worst first."""
    of: dict[str, list[PredictionRow]] = {}
    for row in judged_predictions(rows):
        of.setdefault(row.workload, []).append(row)
    found = [_errors(workload, told) for workload, told in of.items()]
    return sorted(filter(None, found), key=lambda each: -each.error.mean)


def costs_by_workload(rows: Rows) -> Mapping[str, Sequence[WorkloadCost]]:
    """Return each policy's workloads, the worst first; failed runs are paid for twice."""
    runs = by_trial(rows.runs)
    ratios: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for trial in rows.trials:
        ratio = cost_ratio(runs.get(trial.trial_id, []))
        if ratio is not None:
            of_policy = ratios.setdefault(trial.policy, {})
            of_policy.setdefault(trial.workload, []).append((trial.trial_id, ratio))
    return {policy: _worst_first(of_policy) for policy, of_policy in ratios.items()}


def mean_cost(costs: Sequence[WorkloadCost]) -> Estimate | None:
    """Return the mean over all trials; a workload is one witness."""
    return clustered_mean((each.workload, ratio) for each in costs for ratio in each.of_trials)


def _worst_first(of: Mapping[str, Sequence[tuple[str, float]]]) -> list[WorkloadCost]:
    found = [
        WorkloadCost(workload, mean, tuple(ratio for _, ratio in ratios))
        for workload, ratios in of.items()
        if (mean := clustered_mean(ratios)) is not None
    ]
    return sorted(found, key=lambda each: -each.ratio.mean)


def _errors(workload: str, told: Sequence[PredictionRow]) -> WorkloadErrors | None:
    error = clustered_mean((row.trial_id, abs(row.error_fraction or 0.0)) for row in told)
    inside = share_inside(told)
    if error is None or inside is None:
        return None
    return WorkloadErrors(workload, error, inside)
