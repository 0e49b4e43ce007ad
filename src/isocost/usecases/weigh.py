"""One run with its history in; how far it was from expectation, and the guardrail's verdict, out."""

from dataclasses import dataclass, replace

from isocost.domain.deviation import Deviation
from isocost.domain.project import Project
from isocost.domain.recommendation import AppliedRecommendation, Recommendation
from isocost.domain.run import Run
from isocost.recommend.guard import Verdict, judge
from isocost.usecases.experiment import NO_DEADLINE
from isocost.usecases.loop import Loop, Place
from isocost.usecases.recommend import History


@dataclass(frozen=True, slots=True)
class Weighed:
    """What was found of one run.

    Attributes:
        deviation: None where nothing could be expected of it.
        verdict: on its recommendation; None where it ran on none.
    """

    deviation: Deviation | None
    verdict: Verdict | None


def weigh(
    loop: Loop,
    place: Place,
    project: Project,
    *,
    run: Run,
    before: History,
    recommendation: Recommendation | None,
    parent: Run | None,
    is_late: bool,
) -> Weighed:
    """Explain a run's deviation and judge the recommendation that it ran on."""
    if recommendation is None or parent is None:
        return Weighed(None, None)
    sla = project.sla or NO_DEADLINE
    sla = replace(sla, max_runtime_s=run.allowed_s or sla.max_runtime_s)
    applied = AppliedRecommendation(recommendation, run.run_id)
    return Weighed(None, judge(applied, run, parent=parent, sla=sla))
