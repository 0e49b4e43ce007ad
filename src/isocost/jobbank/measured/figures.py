"""Trajectories and the truth about their workloads in; each policy's figures out.

Every mean is the mean over workloads of the means over seeds, so a workload counts once however
many of its projects a figure applies to; its standard error comes from the spread between seeds
within workloads, and says nothing of other workloads.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Final

from isocost.domain.grid import GridWorkload
from isocost.jobbank.measured.judged import JudgedTrajectory
from isocost.jobbank.measured.plan import Protocol
from isocost.jobbank.measured.policies import is_predicting
from isocost.jobbank.measured.trajectory import Foretold, Trajectory
from isocost.jobbank.summary import Mean, PredictionFigures, SavingFigures, SlaFigures, median_of
from isocost.units import MS_PER_S

WITHIN: Final = ("1.2", "1.1", "1.05", "1.0")
REGRET_AFTER: Final = (1, 2, 3, 5, 10)
COST_AFTER: Final = (10, 25, 50)
EARLY_RUNS: Final = 10
_LEAST_RISE: Final = 1e-6  # the same cluster's cost differs in its last digits, not more

Judged = Sequence[JudgedTrajectory]


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """How fast the cheapest cluster is approached.

    Attributes:
        steps_to_within: runs, cold start included, until one was on a cluster whose cost is
            within this factor of the cheapest that meets the SLA; one more than there were runs
            where none was.
        regret_after: by how much the best cluster so far is dearer than that one, as a fraction
            of its cost; over projects that had met the SLA by then.
    """

    steps_to_within: Mapping[str, Mean | None]
    regret_after: Mapping[str, Mean | None]


@dataclass(frozen=True, slots=True)
class PolicyFigures:
    """All figures of one policy, over all workloads or of one.

    Attributes:
        prediction: of recommended clusters tried for the first time.
        prediction_with_repeats: of all recommended runs.
        search: by the search protocol; its values are None for a policy that never moves.
        search_by_own_stop: the same of the production runs.
        cost_ratio_after: what that many production runs cost, over as many of the cheapest
            cluster that meets the SLA.
        tried_clusters: distinct ones per project in production.
        decision_ms: mean time per recommendation.
        set_aside: trials that could not be carried through.
    """

    projects: int
    runs: int
    prediction: PredictionFigures
    prediction_with_repeats: PredictionFigures
    search: SearchFigures
    search_by_own_stop: SearchFigures
    cost_ratio_after: Mapping[str, Mean | None]
    sla: SlaFigures
    savings: SavingFigures
    failures_per_project: Mean | None
    tried_clusters: Mean | None
    decision_ms: float | None
    set_aside: int


@dataclass(frozen=True, slots=True)
class _Told:
    judged: JudgedTrajectory
    foretold: Sequence[Foretold]


def policy_figures(
    trajectories: Sequence[Trajectory], workloads: Sequence[GridWorkload]
) -> PolicyFigures:
    """Return the figures of one policy.

    Args:
        trajectories: all of this policy's.
        workloads: with every cluster that was a candidate.
    """
    by_name = {workload.name: workload for workload in workloads}
    judged = [JudgedTrajectory(t, by_name[t.trial.workload]) for t in trajectories]
    produced = [j for j in judged if j.trajectory.trial.protocol is Protocol.PRODUCTION]
    sought = [j for j in judged if j.trajectory.trial.protocol is Protocol.SEARCH]
    return PolicyFigures(
        projects=len(produced),
        runs=sum(len(j.steps) for j in produced),
        prediction=_prediction(produced, first_tries_only=True),
        prediction_with_repeats=_prediction(produced, first_tries_only=False),
        search=_search(sought),
        search_by_own_stop=_search(produced),
        cost_ratio_after={str(n): _cost_ratio_after(produced, n) for n in COST_AFTER},
        sla=_sla(produced),
        savings=_savings(produced),
        failures_per_project=mean_over_workloads(produced, JudgedTrajectory.failure_count),
        tried_clusters=mean_over_workloads(produced, JudgedTrajectory.tried_count),
        decision_ms=_decision_ms(trajectories),
        set_aside=sum(t.failure is not None for t in trajectories),
    )


def mean_over_workloads(
    judged: Judged, value_of: Callable[[JudgedTrajectory], float | None]
) -> Mean | None:
    """Return the mean over workloads of the means over seeds; None where no value is known."""
    values = ((one.workload, value_of(one)) for one in judged)
    return mean_of_groups((workload, value) for workload, value in values if value is not None)


def mean_of_groups(values: Iterable[tuple[str, float]]) -> Mean | None:
    """Return the mean of the groups' means, each value with its group; None of no values."""
    by_group: dict[str, list[float]] = {}
    for group, value in values:
        by_group.setdefault(group, []).append(value)
    if not by_group:
        return None
    groups = list(by_group.values())
    spreads = [variance(group) / len(group) for group in groups if len(group) > 1]
    error = sum(spreads) ** 0.5 / len(groups) if spreads else None
    return Mean(fmean(fmean(group) for group in groups), error)


def _search(judged: Judged) -> SearchFigures:
    return SearchFigures(
        steps_to_within={text: _steps_to_within(judged, float(text)) for text in WITHIN},
        regret_after={str(n): _regret_after(judged, n) for n in REGRET_AFTER},
    )


def _steps_to_within(judged: Judged, factor: float) -> Mean | None:
    return mean_over_workloads(judged, lambda one: one.steps_to_within(factor))


def _regret_after(judged: Judged, count: int) -> Mean | None:
    return mean_over_workloads(judged, lambda one: one.regret_after(count))


def _cost_ratio_after(judged: Judged, count: int) -> Mean | None:
    return mean_over_workloads(judged, lambda one: one.cost_ratio_after(count))


def _sla(judged: Judged) -> SlaFigures:
    return SlaFigures(
        miss_fraction_2_10=mean_over_workloads(judged, lambda one: one.miss_fraction(EARLY_RUNS)),
        miss_fraction=mean_over_workloads(judged, lambda one: one.miss_fraction(len(one.steps))),
    )


def _prediction(judged: Judged, *, first_tries_only: bool) -> PredictionFigures:
    told = [
        _Told(one, found)
        for one in judged
        if is_predicting(one.trajectory.trial.policy)
        and (found := one.foretold(first_tries_only=first_tries_only))
    ]

    def mean(value_of: Callable[[Foretold], float]) -> Mean | None:
        values = [(one.judged.workload, fmean(map(value_of, one.foretold))) for one in told]
        return mean_of_groups(values)

    return PredictionFigures(
        mape=mean(lambda foretold: abs(foretold.error_fraction)),
        median_ape=median_of(abs(f.error_fraction) for one in told for f in one.foretold),
        coverage_80=mean(lambda foretold: float(foretold.is_in_80)),
        coverage_95=mean(lambda foretold: float(foretold.is_in_95)),
    )


def _savings(judged: Judged) -> SavingFigures:
    moved = [one for one in judged if one.saving_fraction() is not None]
    late = [one for one in moved if one.is_late_at(one.steps[0])]
    idle = [one for one in moved if not one.is_late_at(one.steps[0])]
    return SavingFigures(
        median_saving_fraction=median_of(_saving_fractions(moved)),
        mean_saving_fraction=mean_over_workloads(moved, JudgedTrajectory.saving_fraction),
        idle_median_saving_fraction=median_of(_saving_fractions(idle)),
        late_projects=len(late),
        recovered_projects=sum(not one.is_late_at(one.steps[-1]) for one in late),
        dearer_projects=sum(saving < -_LEAST_RISE for saving in _saving_fractions(idle)),
    )


def _saving_fractions(judged: Judged) -> list[float]:
    return [saving for one in judged if (saving := one.saving_fraction()) is not None]


def _decision_ms(trajectories: Sequence[Trajectory]) -> float | None:
    count = sum(t.decision_count for t in trajectories)
    return sum(t.decision_s for t in trajectories) / count * MS_PER_S if count else None
