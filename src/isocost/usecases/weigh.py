"""A run and its history in; how far it was from expectation, and the guardrail's verdict, out."""

from dataclasses import dataclass, replace

from isocost.domain.cluster import ClusterSpec
from isocost.domain.deviation import Deviation
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation, RecommendationState
from isocost.domain.run import Run
from isocost.errors import InvalidInput
from isocost.model.kernels import INPUT_SLOPE_MEAN
from isocost.recommend.attribution import Witness, attribute
from isocost.recommend.guard import Verdict
from isocost.recommend.guardrail import OF_THE_PROJECT, Stakes, rule
from isocost.usecases.loop import Loop, Place
from isocost.usecases.recommend import History, Offer, observation_of


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of an execution with what is needed to judge it.

    Attributes:
        profile: None where it left no log, or none was read.
        before: runs of its cluster before it, oldest first.
        recommendation: that it ran on; None on a cluster of the user's own.
        parent: the run that the recommendation followed; None where it is forgotten.
        good: the spec to go back to.
        is_late: the whole execution was late, and this run took more than its share.
    """

    run: Run
    profile: RunProfile | None
    before: History
    recommendation: Recommendation | None
    good: ClusterSpec | None
    parent: Run | None = None
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
    cluster = place.definition().clusters.get(ran.run.cluster_key)
    if cluster is None:
        return Weighed(None, None)
    offer = loop.offer_for(place.workspace, project, cluster)
    deviation = _deviation(ran, offer)
    if ran.recommendation is None:
        return Weighed(deviation, None)
    run = replace(ran.run, deviation=deviation)
    if not ran.is_late:  # its own share of the deadline is no deadline of its own
        run = replace(run, allowed_s=None)
    try:
        ruling = rule(run, _stakes(project, ran, ran.recommendation, offer=offer))
    except InvalidInput:  # the cluster to go back to is of a node type that the catalog lacks
        return Weighed(deviation, None)
    return Weighed(deviation, ruling.verdict)


def _stakes(project: Project, ran: Ran, judged: Recommendation, *, offer: Offer) -> Stakes:
    on_good = [run for run, _ in ran.before if run.asked_spec == ran.good and run.cost is not None]
    more = _more_cost(ran.run, ran.parent)
    good_usd = None
    if on_good:
        good_usd = (_usd(on_good[-1]) or 0.0) * _more_cost(ran.run, on_good[-1]) / more
    return Stakes(
        sla=project.sla if ran.is_late else None,
        node_types=offer.node_types,
        prediction=None if _has_changed_since(ran, judged) else judged.prediction,
        more_cost=more,
        is_late_foretold=not judged.evidence.meets_sla,
        was_dear=_was_dear(ran, judged),
        was_kept=judged.state is RecommendationState.KEPT,
        good=ran.good,
        good_usd=good_usd,
    )


def _has_changed_since(ran: Ran, judged: Recommendation) -> bool:
    """Whether the project became another one after the run that the recommendation followed."""
    later = [run for run, _ in ran.before if _is_after(run, ran.parent, judged)]
    return any(is_of_changed_project(run) for run in later)


def _is_after(run: Run, parent: Run | None, judged: Recommendation) -> bool:
    if parent is None:
        return run.requested_at > judged.drafted_at
    return run.ordinal > parent.ordinal


def is_of_changed_project(run: Run) -> bool:
    """Whether the run took another time because its project changed."""
    return run.deviation is not None and run.deviation.main_cause in OF_THE_PROJECT


def _more_cost(run: Run, before: Run | None) -> float:
    """Return the factor by which a run may cost more than an earlier one for what it read."""
    if before is None or not run.input_bytes or not before.input_bytes:
        return 1.0
    return float(max(1.0, run.input_bytes / before.input_bytes) ** INPUT_SLOPE_MEAN)


def _was_dear(ran: Ran, judged: Recommendation) -> bool:
    """Whether the run before, on the same recommendation, cost more than its interval."""
    same = [r for r, _ in ran.before if r.recommendation_id == judged.recommendation_id]
    usd = _usd(same[-1]) if same else None
    if usd is None:
        return False
    return usd > judged.prediction.cost_80_usd.high * _more_cost(same[-1], ran.parent)


def _usd(run: Run) -> float | None:
    return None if run.cost is None else run.cost.total_usd


def _deviation(ran: Ran, offer: Offer) -> Deviation | None:
    known = {node_type.node_type_id for node_type in offer.node_types}
    before = [(run, profile) for run, profile in ran.before if run.spec.node_type_id in known]
    try:
        return attribute(
            _witness(ran.run, ran.profile),
            [_witness(run, profile) for run, profile in before],
            space=offer.space.candidates,
            node_types=offer.node_types,
        )
    except InvalidInput:  # it ran on a node type that the catalog does not know
        return None


def _witness(run: Run, profile: RunProfile | None) -> Witness:
    return Witness(observation_of(run, profile), run.spot_loss_count)
