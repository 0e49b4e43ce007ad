"""Rows in; how far the best cluster so far is from the cheapest that the simulator knows, out."""

from collections.abc import Sequence
from dataclasses import dataclass

from isocost.jobbank.analysis.estimates import Estimate, clustered_mean
from isocost.jobbank.analysis.measures import by_trial
from isocost.jobbank.rows import Rows
from isocost.jobbank.tables import RunRow, TrialRow


@dataclass(frozen=True, slots=True)
class Regret:
    """One policy after so many runs.

    Attributes:
        runs: the cold start included.
        excess: cost of the best cluster so far over the cheapest in time, less 1, by expected
            costs without noise, so that a lucky run makes no cluster better.
        found: share of projects that had a cluster in time by then; the others count in no excess.
    """

    runs: int
    excess: Estimate
    found: float


def regrets(rows: Rows, policy: str) -> list[Regret]:
    """Return the regret after each number of runs; none where there is no simulator to ask."""
    runs = by_trial(rows.runs)
    curves = {
        trial.trial_id: (trial, _curve(trial, runs.get(trial.trial_id, [])))
        for trial in rows.trials
        if trial.policy == policy and trial.best_usd
    }
    longest = max((len(curve) for _, curve in curves.values()), default=0)
    return [
        found
        for place in range(longest)
        if (found := _after(place, list(curves.values()))) is not None
    ]


def _after(place: int, curves: Sequence[tuple[TrialRow, Sequence[float | None]]]) -> Regret | None:
    reached = [(trial, curve[place]) for trial, curve in curves if len(curve) > place]
    known = [(trial.workload, excess) for trial, excess in reached if excess is not None]
    excess = clustered_mean(known)
    return None if excess is None else Regret(place + 1, excess, len(known) / len(reached))


def _curve(trial: TrialRow, runs: Sequence[RunRow]) -> list[float | None]:
    """Return the excess of the best cluster so far after each run; None until there is one."""
    curve: list[float | None] = []
    best_usd: float | None = None
    for run in sorted(runs, key=lambda run: run.ordinal):
        usd = run.expected_usd if run.runtime_s is not None else None
        if usd is not None:
            best_usd = usd if best_usd is None else min(best_usd, usd)
        # What the simulator was asked about are some clusters: a policy may find a better one.
        excess = None if best_usd is None or not trial.best_usd else best_usd / trial.best_usd - 1
        curve.append(None if excess is None else max(0.0, excess))
    return curve
