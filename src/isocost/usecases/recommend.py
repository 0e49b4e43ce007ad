"""A project's ingested runs in; an issued recommendation, or an abstention, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from isocost.domain.cluster import NodeType
from isocost.domain.profile import RunProfile
from isocost.domain.project import Sla
from isocost.domain.recommendation import Abstention, Recommendation, RecommendationEvent
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


def offer_of(platform: Platform) -> Offer:
    """Return a platform's node types and every cluster of them that it can run.

    More workers than cores are no candidates: even the smallest worker has one.
    """
    node_types = platform.node_types()
    capacity = Capacity(platform.capacity_cores(), platform.capacity_gib())
    return Offer(node_types, candidate_space(node_types, capacity, max_workers=capacity.cores))


def recommend(
    store: Store, parent: Run, *, offer: Offer, now: datetime
) -> Recommendation | Abstention:
    """Ask the model for the cluster of the run after `parent`, and store an issued answer.

    Raises:
        InvalidInput: if the project has no SLA or no ingested run yet.
    """
    with store.transaction() as tx:
        project = tx.project(parent.project_id)
        history = _history(tx, parent)
    if project.sla is None:
        raise InvalidInput(
            f"Project {project.name!r} has no SLA yet. Let its first run end, or set one."
        )
    answer = advise(_question(history, offer, project.sla))
    if isinstance(answer, Abstention):
        return answer
    issued = _drafted(answer, parent, now).after(RecommendationEvent.ISSUE)
    with store.transaction() as tx:
        tx.put_recommendation(issued)
    return issued


def _history(tx: Transaction, parent: Run) -> list[tuple[Run, RunProfile]]:
    runs = [
        run
        for run in tx.runs_of(parent.project_id)
        if run.state is RunState.INGESTED and run.cluster_key == parent.cluster_key
    ]
    return [(run, tx.profile(run.run_id)) for run in runs]


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


def _drafted(advice: Advice, parent: Run, now: datetime) -> Recommendation:
    return Recommendation(
        recommendation_id=f"{parent.run_id}-next",
        project_id=parent.project_id,
        cluster_key=parent.cluster_key,
        parent_run_id=parent.run_id,
        spec=advice.spec,
        prediction=advice.prediction,
        evidence=advice.evidence,
        drafted_at=now,
    )
