"""A project's ingested runs in; an issued recommendation, or an abstention, out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isocost.domain.cluster import NodeType
from isocost.domain.profile import RunProfile
from isocost.domain.project import Sla
from isocost.domain.recommendation import (
    Abstention,
    Recommendation,
    RecommendationEvent,
    RecommendationState,
    Rejection,
)
from isocost.domain.run import Run, RunState
from isocost.errors import InvalidInput
from isocost.platforms.base import Platform
from isocost.recommend.advise import Advice, Question, advise, observed_run
from isocost.space.candidates import CandidateSpace, Capacity, candidate_space
from isocost.store.base import Store, Transaction


@dataclass(frozen=True, slots=True)
class Offer:
    """What a platform offers to a project: its node types and the clusters it can run."""

    node_types: Sequence[NodeType]
    space: CandidateSpace


# Workers of a cluster on one machine are Java processes that start at once; with more of them, on
# however many cores, their start would outlast the applications they run.
MOST_WORKERS: Final = 8


def offer_of(platform: Platform) -> Offer:
    """Return a platform's node types and every cluster of them that it can run.

    More workers than cores are no candidates: even the smallest worker has one. One worker is
    always asked about, so that a machine on which nothing fits has a rejection that says why.
    """
    node_types = platform.node_types()
    capacity = Capacity(platform.capacity_cores(), platform.capacity_gib())
    max_workers = min(MOST_WORKERS, max(1, capacity.cores))
    return Offer(node_types, candidate_space(node_types, capacity, max_workers=max_workers))


def recommend(
    store: Store, parent: Run, *, offer: Offer, now: datetime
) -> Recommendation | Abstention:
    """Ask the model for the cluster of the run after `parent`, and store an issued answer.

    Asking again returns the recommendation that is still issued. Once that one has been tried, a
    new one is made beside it, so no recommendation ever leaves its life-cycle.

    Raises:
        InvalidInput: if the project has no SLA or no ingested run yet.
    """
    with store.transaction(read_only=True) as tx:
        project = tx.project(parent.project_id)
        runs = [r for r in tx.runs_of(parent.project_id) if r.cluster_key == parent.cluster_key]
        history = _history(tx, runs)
        issued = _still_issued(_asked_before(tx, parent))
    if issued is not None:
        return issued
    if project.sla is None:
        raise InvalidInput(
            f"Project {project.name!r} has no SLA yet. Let its first run end, or set one."
        )
    answer = advise(_question(history, without_failed(offer, runs), project.sla))
    if isinstance(answer, Abstention):
        return answer
    return _stored(store, answer, parent, now=now)


def without_failed(offer: Offer, runs: Sequence[Run]) -> Offer:
    """Return the offer less the clusters on which one of these runs failed."""
    failures = Counter(run.spec for run in runs if run.state is RunState.FAILED)
    space = offer.space
    rejections = tuple(
        Rejection(spec, "this cluster failed before", failures[spec], 0, "failed runs")
        for spec in space.candidates
        if spec in failures
    )
    candidates = tuple(spec for spec in space.candidates if spec not in failures)
    # In front: these say more about the project than the limits of the platform do.
    return Offer(offer.node_types, CandidateSpace(candidates, rejections + space.rejections))


def _stored(store: Store, advice: Advice, parent: Run, *, now: datetime) -> Recommendation:
    """Store and return the answer, unless another process has issued one in the meantime."""
    with store.transaction() as tx:
        before = _asked_before(tx, parent)
        issued = _still_issued(before)
        if issued is None:
            drafted = _drafted(advice, parent, now, number=len(before) + 1)
            issued = drafted.after(RecommendationEvent.ISSUE)
            tx.put_recommendation(issued)
    return issued


def _asked_before(tx: Transaction, parent: Run) -> list[Recommendation]:
    asked = tx.recommendations_of(parent.project_id)
    return [r for r in asked if r.parent_run_id == parent.run_id]


def _still_issued(asked: Sequence[Recommendation]) -> Recommendation | None:
    return next((r for r in asked if r.state is RecommendationState.ISSUED), None)


def _history(tx: Transaction, runs: Sequence[Run]) -> list[tuple[Run, RunProfile]]:
    ingested = [run for run in runs if run.state is RunState.INGESTED]
    return [(run, tx.profile(run.run_id)) for run in ingested]


def _question(history: Sequence[tuple[Run, RunProfile]], offer: Offer, sla: Sla) -> Question:
    if not history:
        raise InvalidInput("There is no ingested run to learn from yet. Run the project once.")
    return Question(
        history=[observed_run(run, profile, offer.node_types) for run, profile in history],
        space=offer.space,
        node_types=offer.node_types,
        sla=sla,
        overhead_s=_mean_overhead_s(history),
        slots_per_core=history[-1][1].slots_per_core,
    )


def _mean_overhead_s(history: Sequence[tuple[Run, RunProfile]]) -> float:
    """Return how long clusters were paid for beyond the application's runtime, on average."""
    paid_s = [
        (node.ended_at - node.started_at).total_seconds() - profile.runtime_s
        for run, profile in history
        if run.timeline is not None
        for node in run.timeline.nodes
    ]
    return max(0.0, sum(paid_s) / len(paid_s)) if paid_s else 0.0


def _drafted(advice: Advice, parent: Run, now: datetime, *, number: int) -> Recommendation:
    first_id = f"{parent.run_id}-next"
    return Recommendation(
        recommendation_id=first_id if number == 1 else f"{first_id}-{number}",
        project_id=parent.project_id,
        cluster_key=parent.cluster_key,
        parent_run_id=parent.run_id,
        spec=advice.spec,
        prediction=advice.prediction,
        evidence=advice.evidence,
        drafted_at=now,
    )
