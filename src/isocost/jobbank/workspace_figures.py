"""Trials on simulated workspaces in; each policy's figures, by the simulator's own books, out.

Runs are charged what the simulator billed, noise included. Which cluster is how good is told by
what a run on it costs without noise, so that a lucky run makes no cluster better. Every mean is
the plain one of its values; its error knows that values of one workload go wrong together.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from isocost.domain.experiment import TrialState
from isocost.domain.recommendation import Prediction
from isocost.domain.run import Run, RunState
from isocost.jobbank.analysis.estimates import clustered_mean
from isocost.jobbank.lineage import TrialRecord
from isocost.jobbank.measured.figures import (
    COST_AFTER,
    EARLY_RUNS,
    REGRET_AFTER,
    WITHIN,
    SearchFigures,
)
from isocost.jobbank.measured.policies import is_predicting
from isocost.jobbank.summary import Mean, PredictionFigures, SavingFigures, SlaFigures, median_of

# The same cluster's expected cost differs in its last digits, not more.
_TOLERANCE: Final = 1e-6
# Two runs on one cluster differ by noise: this much dearer is no other price.
_DEARER: Final = 0.05


@dataclass(frozen=True, slots=True)
class WorkspaceFigures:
    """All figures of one policy.

    Attributes:
        prediction: of recommended clusters, by the first run on each recommendation.
        cost_ratio_after: what that many runs cost, over as many on the cheapest cluster in time.
        cost_ratio: the same of all runs of each project.
        set_aside: trials that could not be carried through; they count in no other figure.
    """

    projects: int
    runs: int
    prediction: PredictionFigures
    search: SearchFigures
    cost_ratio_after: Mapping[str, Mean | None]
    cost_ratio: Mean | None
    sla: SlaFigures
    savings: SavingFigures
    failures_per_project: Mean | None
    set_aside: int


def workspace_figures(records: Iterable[TrialRecord]) -> dict[str, WorkspaceFigures]:
    """Return the figures of each policy, in the order in which they first come."""
    judged: dict[str, list[_Judged]] = {}
    aside: dict[str, int] = {}
    for record in records:
        policy = record.trial.policy
        of_policy = judged.setdefault(policy, [])
        aside[policy] = aside.get(policy, 0) + (record.trial.state is TrialState.SET_ASIDE)
        if record.trial.state is TrialState.SUCCEEDED and record.runs:
            of_policy.append(_Judged(record))
    return {policy: _figures(of, policy, aside[policy]) for policy, of in judged.items()}


class _Judged:
    """One trial with what was true of it; holds no profiles, so that thousands fit in memory."""

    def __init__(self, record: TrialRecord) -> None:
        truth = record.trial.truth
        runs = record.runs
        self.workload = record.trial.workload
        self.best_usd = None if truth is None else truth.best_usd
        self.paid_usd = [record.paid_usd(run) or 0.0 for run in runs]
        self.are_late = [record.is_late(run) for run in runs]
        self.failure_count = sum(run.state is RunState.FAILED for run in runs)
        expected = {} if truth is None else truth.expected_usd
        self._expected = [
            None if run.state is RunState.FAILED else expected.get(run.run_id) for run in runs
        ]
        self.foretold = list(_foretold(record))

    def excess_after(self, count: int) -> float | None:
        """Return by how much the best cluster in so many runs is dearer than the best of all."""
        known = [usd for usd in self._expected[:count] if usd is not None]
        if not known or not self.best_usd:
            return None
        # The search for the best of all looks at some candidates, not at all.
        return max(0.0, min(known) / self.best_usd - 1.0)

    def steps_to_within(self, factor: float) -> float | None:
        """Return after how many runs the best so far was this near; one more if never."""
        if not self.best_usd:
            return None
        for count in range(1, len(self._expected) + 1):
            excess = self.excess_after(count)
            if excess is not None and excess <= factor - 1.0 + _TOLERANCE:
                return float(count)
        return float(len(self._expected) + 1)

    def cost_ratio_after(self, count: int) -> float | None:
        """Return what so many runs cost over as many of the best; None for fewer runs."""
        if not self.best_usd or len(self.paid_usd) < count:
            return None
        return fmean(self.paid_usd[:count]) / self.best_usd

    def late_runs(self, last: int) -> Iterable[float]:
        """Give 1 for each run from the second to the `last` that missed the deadline, else 0."""
        return (float(late) for late in self.are_late[1:last] if late is not None)

    def saving_fraction(self) -> float | None:
        """Return what the last run cost less than the first; None for one run alone."""
        if len(self.paid_usd) < 2 or not self.paid_usd[0]:
            return None
        return 1.0 - self.paid_usd[-1] / self.paid_usd[0]


@dataclass(frozen=True, slots=True)
class _Foretold:
    prediction: Prediction
    actual_s: float

    @property
    def ape(self) -> float:
        return abs(self.prediction.runtime_s / self.actual_s - 1.0)


def _foretold(record: TrialRecord) -> Iterable[_Foretold]:
    first: dict[str, Run] = {}
    for run in record.runs:
        if run.recommendation_id is not None:
            first.setdefault(run.recommendation_id, run)
    for recommendation in record.recommendations:
        run_ = first.get(recommendation.recommendation_id)
        if run_ is not None and run_.runtime_s:
            yield _Foretold(recommendation.prediction, run_.runtime_s)


def _figures(judged: Sequence[_Judged], policy: str, set_aside: int) -> WorkspaceFigures:
    return WorkspaceFigures(
        projects=len(judged),
        runs=sum(len(one.paid_usd) for one in judged),
        prediction=_prediction(judged if is_predicting(policy) else ()),
        search=SearchFigures(
            steps_to_within={w: _steps_to_within(judged, float(w)) for w in WITHIN},
            regret_after={str(n): _regret_after(judged, n) for n in REGRET_AFTER},
        ),
        cost_ratio_after={str(n): _cost_ratio_after(judged, n) for n in COST_AFTER},
        cost_ratio=_mean(judged, lambda one: one.cost_ratio_after(len(one.paid_usd))),
        sla=SlaFigures(
            miss_fraction_2_10=_pooled(judged, lambda one: one.late_runs(EARLY_RUNS)),
            miss_fraction=_pooled(judged, lambda one: one.late_runs(len(one.are_late))),
        ),
        savings=_savings(judged),
        failures_per_project=_mean(judged, lambda one: float(one.failure_count)),
        set_aside=set_aside,
    )


def _mean(judged: Sequence[_Judged], value_of: Callable[[_Judged], float | None]) -> Mean | None:
    values = ((one, value_of(one)) for one in judged)
    known = {one: [value] for one, value in values if value is not None}
    return _pooled(list(known), known.__getitem__)


def _pooled(
    judged: Sequence[_Judged], values_of: Callable[[_Judged], Iterable[float]]
) -> Mean | None:
    values = ((one.workload, value) for one in judged for value in values_of(one))
    found = clustered_mean(values)
    return None if found is None else Mean(found.mean, found.standard_error)


def _steps_to_within(judged: Sequence[_Judged], factor: float) -> Mean | None:
    return _mean(judged, lambda one: one.steps_to_within(factor))


def _regret_after(judged: Sequence[_Judged], count: int) -> Mean | None:
    return _mean(judged, lambda one: one.excess_after(count))


def _cost_ratio_after(judged: Sequence[_Judged], count: int) -> Mean | None:
    return _mean(judged, lambda one: one.cost_ratio_after(count))


def _prediction(judged: Sequence[_Judged]) -> PredictionFigures:
    def mean(value_of: Callable[[_Foretold], float]) -> Mean | None:
        return _pooled(judged, lambda one: map(value_of, one.foretold))

    return PredictionFigures(
        mape=mean(lambda each: each.ape),
        median_ape=median_of(each.ape for one in judged for each in one.foretold),
        coverage_80=mean(lambda each: float(each.actual_s in each.prediction.runtime_80_s)),
        coverage_95=mean(lambda each: float(each.actual_s in each.prediction.runtime_95_s)),
    )


def _savings(judged: Sequence[_Judged]) -> SavingFigures:
    late = [one for one in judged if one.are_late[0]]
    idle = [one for one in judged if not one.are_late[0]]
    return SavingFigures(
        median_saving_fraction=median_of(_saving_fractions(judged)),
        mean_saving_fraction=_mean(judged, _Judged.saving_fraction),
        idle_median_saving_fraction=median_of(_saving_fractions(idle)),
        late_projects=len(late),
        recovered_projects=sum(one.are_late[-1] is False for one in late),
        dearer_projects=sum(saving < -_DEARER for saving in _saving_fractions(idle)),
    )


def _saving_fractions(judged: Sequence[_Judged]) -> list[float]:
    return [saving for one in judged if (saving := one.saving_fraction()) is not None]
