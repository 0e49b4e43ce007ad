"""A run and its history in; how far it was from expectation, and the guardrail's verdict, out."""

from dataclasses import dataclass, replace

from isocost.domain.deviation import Deviation
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import AppliedRecommendation, Recommendation
from isocost.domain.run import Run
from isocost.errors import InvalidInput
from isocost.recommend.attribution import Witness, attribute
from isocost.recommend.guard import Verdict, judge
from isocost.usecases.experiment import NO_DEADLINE
from isocost.usecases.loop import Loop, Place
from isocost.usecases.recommend import History, observation_of


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of an execution with what is needed to judge it.

    Attributes:
        profile: None where it left no log, or none was read.
        before: runs of its cluster before it, oldest first.
        recommendation: that it ran on; None on a cluster of the user's own.
        parent: the run that the recommendation followed from.
        is_late: the whole execution was late, and this run took more than its share.
    """

    run: Run
    profile: RunProfile | None
    before: History
    recommendation: Recommendation | None
    parent: Run | None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Weighed:
    """What was found of one run.

    Attributes:
        deviation: None where nothing could be expected of it.
        verdict: on its recommendation; None where it ran on none.
    """

    deviation: Deviation | None
    verdict: Verdict | None


def weigh(loop: Loop, place: Place, project: Project, *, ran: Ran) -> Weighed:
    """Explain a run's deviation and judge the recommendation that it ran on.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    deviation = _deviation(loop, place, project, ran=ran)
    if ran.recommendation is None or ran.parent is None:
        return Weighed(deviation, None)
    sla = project.sla or NO_DEADLINE
    sla = replace(sla, max_runtime_s=ran.run.allowed_s or sla.max_runtime_s)
    applied = AppliedRecommendation(ran.recommendation, ran.run.run_id)
    return Weighed(deviation, judge(applied, ran.run, parent=ran.parent, sla=sla))


def _deviation(loop: Loop, place: Place, project: Project, *, ran: Ran) -> Deviation | None:
    cluster = place.definition().clusters.get(ran.run.cluster_key)
    if cluster is None:
        return None
    offer = loop.offer_for(place.workspace, project, cluster)
    try:
        return attribute(
            _witness(ran.run, ran.profile),
            [_witness(run, profile) for run, profile in ran.before],
            space=offer.space.candidates,
            node_types=offer.node_types,
        )
    except InvalidInput:  # it ran on a node type that the catalog does not know
        return None


def _witness(run: Run, profile: RunProfile | None) -> Witness:
    return Witness(observation_of(run, profile), run.spot_loss_count)
