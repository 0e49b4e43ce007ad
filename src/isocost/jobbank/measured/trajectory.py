"""A trial's record in; the few numbers a figure needs of each of its runs, out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isocost.domain.cluster import ClusterSpec
from isocost.domain.recommendation import Prediction, Recommendation
from isocost.domain.run import Run
from isocost.jobbank.lineage import TrialRecord
from isocost.jobbank.measured.plan import MeasuredTrial


@dataclass(frozen=True, slots=True)
class Foretold:
    """How a run compares with what was predicted of it.

    Attributes:
        error_fraction: predicted over actual runtime, less 1.
    """

    error_fraction: float
    is_in_80: bool
    is_in_95: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One run.

    Attributes:
        runtime_s: None if it failed.
        is_first_try: its cluster had not run before.
        foretold: None for a cold start and for a run that failed.
    """

    spec: ClusterSpec
    runtime_s: float | None
    cost_usd: float
    is_first_try: bool
    foretold: Foretold | None

    def is_late(self, max_runtime_s: float) -> bool:
        """Return whether it missed a deadline; a failed run misses every one."""
        return self.runtime_s is None or self.runtime_s > max_runtime_s


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One trial, run by run.

    Attributes:
        decision_s: that the policy took for its answers, in sum.
        decision_count: how many those were.
        failure: why the trial was set aside.
    """

    trial: MeasuredTrial
    steps: tuple[Step, ...]
    decision_s: float
    decision_count: int
    failure: str | None = None


def steps_of(record: TrialRecord) -> tuple[Step, ...]:
    """Return the runs that are over, oldest first."""
    made = {r.recommendation_id: r for r in record.recommendations}
    over = [run for run in record.runs if run.is_over]
    return tuple(_step(run, over[:place], made) for place, run in enumerate(over))


def _step(run: Run, before: Sequence[Run], made: Mapping[str, Recommendation]) -> Step:
    applied = made.get(run.recommendation_id or "")
    return Step(
        spec=run.spec,
        runtime_s=run.runtime_s,
        cost_usd=0.0 if run.cost is None else run.cost.total_usd,
        is_first_try=all(other.spec != run.spec for other in before),
        foretold=None if applied is None else _foretold(applied.prediction, run.runtime_s),
    )


def _foretold(prediction: Prediction, actual_s: float | None) -> Foretold | None:
    if actual_s is None:
        return None
    return Foretold(
        error_fraction=prediction.runtime_s / actual_s - 1.0,
        is_in_80=actual_s in prediction.runtime_80_s,
        is_in_95=actual_s in prediction.runtime_95_s,
    )
