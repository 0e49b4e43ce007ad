"""An applied recommendation and its child run in; keep or roll back, with the reason, out."""

from dataclasses import dataclass

from isocost.domain.project import Sla
from isocost.domain.recommendation import AppliedRecommendation, RecommendationEvent
from isocost.domain.run import Run, RunState
from isocost.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Verdict:
    """What should become of an applied recommendation."""

    event: RecommendationEvent
    reason: str


def judge(applied: AppliedRecommendation, child: Run, sla: Sla) -> Verdict:
    """Return whether the child run speaks for the applied spec.

    A failed run and a missed deadline that the candidate was expected to keep roll back; a
    deadline that no candidate could keep is no fault of this one.

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
    return Verdict(RecommendationEvent.KEEP, took)
