"""A project's ingested runs in; an issued recommendation, or an abstention, out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from isocost.domain.cluster import NodeType
from isocost.domain.profile import RunProfile
from isocost.domain.project import Phase, Sla
from isocost.domain.recommendation import (
    Abstention,
    Recommendation,
    RecommendationEvent,
    RecommendationState,
    Rejection,
)
from isocost.domain.run import Run, RunState
from isocost.model.history import Ending, Observation, given_up
from isocost.model.log_evidence import is_disturbed
from isocost.platforms.base import Platform
from isocost.pricing.purchase import MACHINES_BY_THE_SECOND, Purchase
from isocost.recommend.next_input import next_input
from isocost.recommend.policy import DEFAULT_AIMS, Advice, Policy, Question, SearchAims
from isocost.recommend.work import input_bytes_of
from isocost.space.candidates import CandidateSpace, Capacity, candidate_space
from isocost.store.base import Store, Transaction


@dataclass(frozen=True, slots=True)
class Offer:
    """What a platform offers to a project: its node types and the clusters it can run.

    Attributes:
        purchase: how clusters are bought.
    """

    node_types: Sequence[NodeType]
    space: CandidateSpace
    purchase: Purchase = MACHINES_BY_THE_SECOND


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
    store: Store,
    parent: Run,
    *,
    offer: Offer,
    policy: Policy,
    now: datetime,
    aims: SearchAims = DEFAULT_AIMS,
) -> Recommendation | Abstention:
    """Ask a policy for the cluster of the run after `parent`, and store an issued answer.

    Asking again returns the recommendation that is still issued. Once that one has been tried, a
    new one is made beside it, so no recommendation ever leaves its life-cycle.

    Raises:
        InvalidInput: if no run of the project is over yet.
    """
    with store.transaction(read_only=True) as tx:
        project = tx.project(parent.project_id)
        history = history_of(tx, parent.project_id, parent.cluster_key)
        issued = _still_issued(_asked_before(tx, parent))
    if issued is not None:
        return issued
    wish = Wish(project.sla, project.phase, aims)
    answer = policy.advise(question_of(history, offer, wish))
    if isinstance(answer, Abstention):
        return answer
    return _stored(store, answer, parent, now=now)


@dataclass(frozen=True, slots=True)
class Wish:
    """What one cluster's recommendation must serve.

    Attributes:
        sla: of this cluster's application; None for none.
        phase: that the cluster is in.
        news: a reason to learn again that the history does not show.
        deadline_s: of the whole project, where `sla` is this cluster's share of it.
    """

    sla: Sla | None
    phase: Phase
    aims: SearchAims = DEFAULT_AIMS
    news: str | None = None
    deadline_s: float | None = None


History = Sequence[tuple[Run, RunProfile | None]]


def history_of(
    tx: Transaction, project_id: str, cluster_key: str, *, newest: int | None = None
) -> History:
    """Return the runs of one cluster that are over, oldest first, each with its profile.

    Args:
        tx: an open transaction.
        project_id: whose runs.
        cluster_key: whose runs.
        newest: look only at so many of the cluster's runs.
    """
    since = tx.project(project_id).learned_from
    runs = tx.runs_of(project_id, newest=newest, cluster_key=cluster_key)
    mine = [run for run in runs if run.ordinal >= since and run.is_over]
    logged = [run for run in mine if run.state is RunState.INGESTED and run.event_log is not None]
    # A run whose log has not come, or could not be read, has none.
    profiles = tx.profiles([run.run_id for run in logged])
    return [(run, profiles.get(run.run_id)) for run in mine]


def question_of(history: History, offer: Offer, wish: Wish) -> Question:
    """Return what a policy is asked after these runs.

    Runs on node types that the catalog knows nothing of, as before a job was moved, are left out.
    """
    known = {node_type.node_type_id for node_type in offer.node_types}
    comparable = [(run, profile) for run, profile in history if run.spec.node_type_id in known]
    runs = [run for run, _ in comparable]
    left = without_failed(offer, runs)
    return Question(
        history=[observation_of(run, profile) for run, profile in comparable],
        space=left.space,
        node_types=offer.node_types,
        sla=wish.sla,
        phase=wish.phase,
        aims=wish.aims,
        overhead_s=_mean_overhead_s(runs),
        input_bytes=next_input([(run.requested_at, run.input_bytes) for run in runs]),
        purchase=left.purchase,
        news=wish.news,
        deadline_s=wish.deadline_s,
    )


def observation_of(run: Run, profile: RunProfile | None) -> Observation:
    """Return a run that is over as the model learns from it."""
    if run.state is RunState.FAILED:
        is_timed = run.is_timed_out and run.failed_after_s is not None
        ending = Ending.TIMED_OUT if is_timed else Ending.FAILED
        return Observation(run.run_id, run.spec, run.failed_after_s, ending, run.input_bytes)
    input_bytes = run.input_bytes
    if input_bytes is None and profile is not None:
        input_bytes = input_bytes_of(profile)
    return Observation(
        run_id=run.run_id,
        spec=run.spec,
        runtime_s=run.runtime_s,
        input_bytes=input_bytes,
        working_set_gib=run.working_set_gib,
        inputs=run.inputs,
        is_disturbed=_is_disturbed(run, profile),
        profile=profile,
    )


def _is_disturbed(run: Run, profile: RunProfile | None) -> bool:
    if run.is_disturbed is not None:
        return run.is_disturbed
    return profile is not None and is_disturbed(profile)


def without_failed(offer: Offer, runs: Sequence[Run]) -> Offer:
    """Return the offer less the clusters that are given up after these runs, oldest first."""
    over = [run for run in runs if run.is_over]
    lost = given_up((run.spec, run.state is RunState.INGESTED) for run in over)
    failures = Counter(run.spec for run in over if run.state is RunState.FAILED)
    space = offer.space
    rejections = tuple(
        Rejection(spec, "this cluster failed before", failures[spec], 0, "failed runs")
        for spec in space.candidates
        if spec in lost
    )
    candidates = tuple(spec for spec in space.candidates if spec not in lost)
    # In front: these say more about the project than the limits of the platform do.
    return replace(offer, space=CandidateSpace(candidates, rejections + space.rejections))


def _stored(store: Store, advice: Advice, parent: Run, *, now: datetime) -> Recommendation:
    """Store and return the answer, unless another process has issued one in the meantime."""
    with store.transaction() as tx:
        before = _asked_before(tx, parent)
        issued = _still_issued(before)
        if issued is None:
            tx.put_project(replace(tx.project(parent.project_id), phase=advice.phase))
            draft = drafted(advice, parent, now, number=len(before) + 1)
            issued = draft.after(RecommendationEvent.ISSUE)
            tx.put_recommendation(issued)
    return issued


def _asked_before(tx: Transaction, parent: Run) -> list[Recommendation]:
    asked = tx.recommendations_of(parent.project_id)
    return [r for r in asked if r.parent_run_id == parent.run_id]


def _still_issued(asked: Sequence[Recommendation]) -> Recommendation | None:
    return next((r for r in asked if r.state is RecommendationState.ISSUED), None)


def _mean_overhead_s(runs: Sequence[Run]) -> float:
    """Return how long clusters were paid for beyond the application's runtime, on average."""
    paid_s = [
        (node.ended_at - node.started_at).total_seconds() - run.runtime_s
        for run in runs
        if run.timeline is not None and run.runtime_s is not None
        for node in run.timeline.nodes
    ]
    return max(0.0, sum(paid_s) / len(paid_s)) if paid_s else 0.0


def drafted(advice: Advice, parent: Run, now: datetime, *, number: int) -> Recommendation:
    """Return the advice as a recommendation after `parent`, the `number`-th of it, from 1."""
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
