"""An applied recommendation and its child run in; keep or roll back, with the reason, out."""

from collections.abc import Sequence
from dataclasses import dataclass

from isocost.domain.cluster import ClusterSpec
from isocost.domain.project import Sla
from isocost.domain.recommendation import (
    AppliedRecommendation,
    Prediction,
    RecommendationEvent,
)
from isocost.domain.run import Run, RunState
from isocost.errors import InvalidInput
from isocost.recommend.wording import told_apart


@dataclass(frozen=True, slots=True)
class Verdict:
    """What should become of an applied recommendation."""

    event: RecommendationEvent
    reason: str


def judge(applied: AppliedRecommendation, child: Run, *, parent: Run, sla: Sla) -> Verdict:
    """Return whether the child run speaks for the applied spec.

    A failed run and a missed deadline that the candidate was expected to keep roll back; a
    deadline that no candidate could keep is no fault of this one. A cost above the 80 % interval
    rolls back only where going back saves money and keeps the deadline: the guardrail is there to
    stop a loss, so a run that is dearer than expected and still cheaper than its parent stays, and
    so does one that was bought to recover a late parent.

    Raises:
        InvalidInput: if `child` is not the recommendation's own run, or is not over.
    """
    if child.run_id != applied.child_run_id or not child.is_over:
        raise InvalidInput(
            f"Run {child.run_id} ({child.state.value}) cannot judge recommendation "
            f"{applied.recommendation.recommendation_id}, whose run is {applied.child_run_id}. "
            "Wait until that run is over."
        )
    if child.state is RunState.FAILED or child.runtime_s is None:
        return Verdict(RecommendationEvent.ROLL_BACK, f"the run failed: {child.failure}")
    took = f"the run took {child.runtime_s:.1f} s of the {sla.max_runtime_s:.1f} s allowed"
    is_late = child.runtime_s > sla.max_runtime_s
    if is_late and applied.recommendation.evidence.meets_sla:
        return Verdict(RecommendationEvent.ROLL_BACK, took)
    dearer = _dearer_than_foretold(applied.recommendation.prediction, child, parent)
    if dearer is not None and _is_in_time(parent, sla):
        return Verdict(RecommendationEvent.ROLL_BACK, dearer)
    return Verdict(RecommendationEvent.KEEP, took)


def last_good_spec(runs: Sequence[Run], parent: Run, sla: Sla) -> ClusterSpec:
    """Return the spec to roll back to: of the newest of `runs` that kept the SLA, or the parent's.

    Args:
        runs: those before the one that is rolled back, oldest first.
        parent: the run the recommendation followed from.
        sla: the project's.
    """
    good = [run.spec for run in runs if _is_in_time(run, sla)]
    return good[-1] if good else parent.spec


def _is_in_time(run: Run, sla: Sla) -> bool:
    return run.runtime_s is not None and run.runtime_s <= sla.max_runtime_s


def _dearer_than_foretold(prediction: Prediction, child: Run, parent: Run) -> str | None:
    """Return the sentence that says so, or None."""
    if child.cost is None or parent.cost is None:
        return None
    actual_usd, before_usd = child.cost.total_usd, parent.cost.total_usd
    if actual_usd <= prediction.cost_80_usd.high or actual_usd <= before_usd:
        return None
    actual, most, before = told_apart(actual_usd, prediction.cost_80_usd.high, before_usd)
    return (
        f"the run cost {actual}, above the {most} that end its 80 % interval and above the "
        f"{before} of the run before"
    )
