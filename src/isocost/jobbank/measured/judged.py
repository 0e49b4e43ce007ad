"""One trajectory and the truth about its workload in; the numbers to take means of out."""

from collections.abc import Sequence
from functools import cached_property
from statistics import fmean
from typing import Final

from isocost.domain.grid import GridCell, GridWorkload
from isocost.jobbank.measured.trajectory import Foretold, Step, Trajectory

# Ratios of equal costs differ in their last digits.
_TOLERANCE: Final = 1e-6


class JudgedTrajectory:
    """A trajectory beside what was measured of every cluster.

    What a run cost and whether it was late is its own, noise included; which cluster is how good
    is told by the medians that were measured, so that a lucky run makes no cluster better.
    """

    def __init__(self, trajectory: Trajectory, workload: GridWorkload) -> None:
        """Judge by `workload`, which holds every cluster that was a candidate."""
        self._workload = workload
        self.trajectory = trajectory
        self.steps = trajectory.steps
        self.max_runtime_s = trajectory.trial.start.max_runtime_s

    @property
    def workload(self) -> str:
        """The workload's name."""
        return self._workload.name

    @cached_property
    def optimum(self) -> GridCell | None:
        """The cheapest cluster that meets the SLA; None if none does."""
        return self._workload.optimum(self.max_runtime_s)

    @cached_property
    def _excesses(self) -> tuple[float | None, ...]:
        """By how much the best cluster so far is dearer than the optimum, after each run.

        As a fraction of its cost; None until a run succeeded on a cluster that meets the SLA.
        """
        excesses: list[float | None] = []
        best: float | None = None
        for step in self.steps:
            excess = self._excess(step)
            if excess is not None:
                best = excess if best is None else min(best, excess)
            excesses.append(best)
        return tuple(excesses)

    def _excess(self, step: Step) -> float | None:
        cell = self._workload.cell(step.spec)
        is_late = self.max_runtime_s is not None and cell.runtime_s > self.max_runtime_s
        if self.optimum is None or step.runtime_s is None or cell.is_failing or is_late:
            return None
        return cell.cost_usd / self.optimum.cost_usd - 1.0

    def steps_to_within(self, factor: float) -> float | None:
        """Return after how many runs the best cluster so far was this near to the optimum.

        One more than there were runs where it never was; None where there is no optimum, or where
        the cold start failed, so that nothing was searched.
        """
        if self.optimum is None or all(step.runtime_s is None for step in self.steps):
            return None
        for count, excess in enumerate(self._excesses, start=1):
            if excess is not None and excess <= factor - 1.0 + _TOLERANCE:
                return float(count)
        return float(len(self.steps) + 1)

    def regret_after(self, count: int) -> float | None:
        """Return the excess after so many runs, or at the end of a search that ended earlier."""
        return self._excesses[min(count, len(self.steps)) - 1] if self.steps else None

    def cost_ratio_after(self, count: int) -> float | None:
        """Return what so many runs cost over as many of the optimum; None for fewer runs."""
        if self.optimum is None or len(self.steps) < count:
            return None
        return fmean(step.cost_usd for step in self.steps[:count]) / self.optimum.cost_usd

    def miss_fraction(self, last: int) -> float | None:
        """Return how many of the runs from the second to the `last` missed the deadline."""
        later = self.steps[1:last]
        if self.max_runtime_s is None or not later:
            return None
        return fmean(float(step.is_late(self.max_runtime_s)) for step in later)

    def is_late_at(self, step: Step) -> bool:
        """Return whether a run missed the deadline, or failed where there is none."""
        return step.is_late(float("inf") if self.max_runtime_s is None else self.max_runtime_s)

    def failure_count(self) -> float:
        """Return how many runs failed."""
        return float(sum(step.runtime_s is None for step in self.steps))

    def tried_count(self) -> float:
        """Return on how many different clusters it ran."""
        return float(sum(step.is_first_try for step in self.steps))

    def saving_fraction(self) -> float | None:
        """Return what the last run cost less than the first; a failed one is made up for."""
        before_usd = self.steps[0].cost_usd
        last = self.steps[-1]
        if len(self.steps) < 2 or before_usd == 0:
            return None
        instead_usd = before_usd if last.runtime_s is None else 0.0
        return 1.0 - (last.cost_usd + instead_usd) / before_usd

    def foretold(self, *, first_tries_only: bool) -> Sequence[Foretold]:
        """Return how the recommended runs compare with their predictions."""
        return [
            step.foretold
            for step in self.steps
            if step.foretold is not None and (step.is_first_try or not first_tries_only)
        ]
