"""Rows in; the few numbers that stand at the top of a page, policy by policy, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from isocost.domain.experiment import TrialState
from isocost.jobbank.analysis.calibration import coverage
from isocost.jobbank.analysis.deadlines import misses_after_cold_start
from isocost.jobbank.analysis.estimates import Estimate
from isocost.jobbank.analysis.regret import regrets
from isocost.jobbank.analysis.selection import judged_predictions, policies_of
from isocost.jobbank.analysis.workloads import costs_by_workload, mean_cost
from isocost.jobbank.rows import Rows
from isocost.jobbank.tables import PredictionRow, TrialRow


@dataclass(frozen=True, slots=True)
class Headline:
    """What one policy came to; None where that is not known.

    Attributes:
        projects: that have a run that is over.
        median_error: absolute, of predicted runtimes.
        inside: share of runtimes in their 80 % interval.
        cost: of a run after the cold start, over the cold start's.
        misses: share of the runs after the cold start that were late or failed.
        regret: of the best cluster tried, over the cheapest that the simulator knows, less 1.
        without_regret: projects that `regret` leaves out, for none of their clusters was in time.
        set_aside: trials that could not be carried through.
    """

    policy: str
    projects: int
    runs: int
    median_error: float | None
    inside: Estimate | None
    cost: Estimate | None
    misses: Estimate | None
    regret: Estimate | None
    without_regret: int
    set_aside: int


def headlines(rows: Rows) -> list[Headline]:
    """Return a headline for each policy."""
    costs, told = costs_by_workload(rows), judged_predictions(rows)
    return [
        _headline(
            rows,
            policy,
            [row for row in told if row.policy == policy],
            cost=mean_cost(costs.get(policy, ())),
        )
        for policy in policies_of(rows)
    ]


def _headline(
    rows: Rows, policy: str, told: Sequence[PredictionRow], *, cost: Estimate | None
) -> Headline:
    trials = [trial for trial in rows.trials if trial.policy == policy]
    errors = [abs(row.error_fraction) for row in told if row.error_fraction is not None]
    curve = regrets(rows, policy)
    return Headline(
        policy=policy,
        projects=sum(trial.run_count > 0 for trial in trials),
        runs=sum(trial.run_count for trial in trials),
        median_error=median(errors) if errors else None,
        inside=coverage(told)[0],
        cost=cost,
        misses=misses_after_cold_start(rows, policy),
        regret=curve[-1].excess if curve else None,
        without_regret=_never_in_time(rows, trials),
        set_aside=sum(trial.state == TrialState.SET_ASIDE.value for trial in trials),
    )


def _never_in_time(rows: Rows, trials: Sequence[TrialRow]) -> int:
    """Return how many trials tried no cluster in time although the simulator knows one."""
    # A cluster that would be late has no expected cost.
    kept = {run.trial_id for run in rows.runs if None not in {run.runtime_s, run.expected_usd}}
    return sum(bool(trial.best_usd) and trial.trial_id not in kept for trial in trials)
