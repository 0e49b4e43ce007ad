"""A judged execution in; recommendations for the next run, or why there are none, out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from isocost.domain.critical_path import allowed_runtimes, longest_path
from isocost.domain.execution import Execution, ExecutionEvent, ExecutionState
from isocost.domain.project import Phase, Project, ProjectCluster, Sla
from isocost.domain.recommendation import (
    Abstention,
    Recommendation,
    RecommendationEvent,
    RecommendationState,
    Rejection,
)
from isocost.domain.run import Run, RunState
from isocost.errors import InvalidInput, PlatformError
from isocost.platforms.host import DefinedCluster
from isocost.recommend.policy import Advice, SearchAims
from isocost.space.candidates import CandidateSpace
from isocost.store.base import Transaction
from isocost.usecases.loop import Loop, LoopStep, Place
from isocost.usecases.recommend import (
    Offer,
    Wish,
    drafted,
    history_of,
    question_of,
)

# Runs the model learns from: those of some months; older ones say little of today's program.
NEWEST_RUNS: Final = 60
# How many runs say how long clusters take to start, and which of them is planned for: what one in
# five exceeds, for the deadline is missed where a slow start and a slow run come together.
_SEEN_STARTING: Final = 10
_SLOW_START: Final = 0.8
_UNSETTLED: Final = {RecommendationState.APPLIED, RecommendationState.OBSERVED}
_OPEN: Final = {RecommendationState.DRAFTED, RecommendationState.ISSUED}
_HINDERED: Final = "Nothing is recommended:"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was concluded for one cluster.

    Attributes:
        note: for people.
        advice: None where there is none to give.
        parent: the run it follows from.
        is_change: it advises another cluster than the present one.
        is_hindered: something that a person can mend keeps advice from being given.
    """

    cluster_key: str
    note: str
    advice: Advice | None = None
    parent: Run | None = None
    is_change: bool = False
    is_hindered: bool = False


def conclude(loop: Loop, execution: Execution, place: Place) -> None:
    """Recommend clusters for the next run, if this execution is the newest, and remember why.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    reason = _reason_to_wait(loop, execution)
    answers = [] if reason else _answers(loop, execution, place)
    loop.tell(LoopStep.ADVISED, execution.project_id)
    note = reason or "; ".join(answer.note for answer in answers)
    with loop.store.transaction() as tx:
        stored = tx.execution(execution.execution_id)
        if stored.state is not ExecutionState.JUDGED:  # another worker was faster
            return
        if tx.changes_of(execution.project_id, is_planned=True):
            return  # what would be superseded is being applied; the next look concludes
        for answer in answers:
            _store(tx, answer, place)
        if answers:
            tx.put_project(_told(tx.project(execution.project_id), answers))
        phase = tx.project(execution.project_id).phase
        concluded = stored.after(ExecutionEvent.CONCLUDE)
        tx.put_execution(replace(concluded, note=note, phase=phase))
    loop.tell(LoopStep.CONCLUDED, execution.project_id)


def _reason_to_wait(loop: Loop, execution: Execution) -> str | None:
    with loop.store.transaction(read_only=True) as tx:
        project = tx.project(execution.project_id)
        newest = tx.executions_of(execution.project_id, newest=1)
        unsettled = unsettled_of(tx, project)
    if newest and newest[-1].ordinal > execution.ordinal:
        return "a later run is known already"
    if any(cluster.going_back_to for cluster in project.clusters.values()):
        return "going back to an earlier cluster first"
    if unsettled:
        return f"waiting for a run of {unsettled[0].spec}, which was applied"
    return None


def unsettled_of(tx: Transaction, project: Project) -> list[Recommendation]:
    """Return the recommendations in force that no run has been judged of yet."""
    ids = [c.recommendation_id for c in project.clusters.values() if c.recommendation_id]
    in_force = [tx.recommendation(recommendation_id) for recommendation_id in ids]
    return [r for r in in_force if r.state in _UNSETTLED]


def _answers(loop: Loop, execution: Execution, place: Place) -> list[_Answer]:
    definition = place.definition()
    with loop.store.transaction(read_only=True) as tx:
        project = tx.project(execution.project_id)
    slas = _slas(loop, project, execution)
    return [
        _answer(loop, place, project, cluster=cluster, sla=slas.get(key, project.sla))
        for key, cluster in definition.clusters.items()
    ]


def _slas(loop: Loop, project: Project, execution: Execution) -> dict[str, Sla]:
    """Return each cluster's share of the deadline, by the last runs that succeeded."""
    if project.sla is None:
        return {}
    with loop.store.transaction(read_only=True) as tx:
        executions = tx.executions_of(project.project_id, newest=NEWEST_RUNS)
        good = [e for e in executions if e.is_success and e.spans and e.run_ids]
        good = good[-_SEEN_STARTING:]
        runs = tx.runs([run_id for each in good for run_id in each.run_ids])
    if not good:
        return {}
    by_execution = [[runs[i] for i in each.run_ids] for each in good]
    reserve_s = _reserve_s(list(zip(good, by_execution, strict=True)))
    return shares(good[-1], by_execution[-1], project.sla, reserve_s=reserve_s)


def _reserve_s(seen: Sequence[tuple[Execution, Sequence[Run]]]) -> float:
    """Return by how much the start of clusters and the like may take longer than it last did."""
    constant_s = [
        longest_path(execution.spans, _runtimes(runs)).constant_s + execution.outside_s
        for execution, runs in seen
    ]
    return float(np.quantile(constant_s, _SLOW_START)) - constant_s[-1]


def shares(
    execution: Execution, runs: Sequence[Run], sla: Sla, *, reserve_s: float = 0.0
) -> dict[str, Sla]:
    """Return each cluster's own deadline, and how often it may miss that.

    The chances of missing add up over the clusters at most, so each gets its part of them.

    Args:
        execution: whose steps say how time is spent.
        runs: of its clusters.
        sla: of the whole.
        reserve_s: kept for what is no application's work, beyond what that took.
    """
    allowed = allowed_seconds(execution, runs, sla, reserve_s=reserve_s)
    miss_fraction = sla.miss_fraction / max(1, len(allowed))
    return {key: Sla(allowed_s, miss_fraction) for key, allowed_s in allowed.items()}


def allowed_seconds(
    execution: Execution, runs: Sequence[Run], sla: Sla, *, reserve_s: float = 0.0
) -> dict[str, float]:
    """Return how long each cluster's application may take for the whole to keep the deadline."""
    outside_s = execution.outside_s + reserve_s
    return allowed_runtimes(
        execution.spans, _runtimes(runs), sla.max_runtime_s, outside_s=outside_s
    )


def _runtimes(runs: Sequence[Run]) -> dict[str, float]:
    return {r.cluster_key: r.runtime_s for r in runs if r.runtime_s is not None}


def _answer(
    loop: Loop, place: Place, project: Project, *, cluster: DefinedCluster, sla: Sla | None
) -> _Answer:
    key = cluster.cluster_key
    with loop.store.transaction(read_only=True) as tx:
        history = history_of(tx, project.project_id, key, newest=NEWEST_RUNS)
    if not history:
        return _Answer(key, f"no run of {key} is known yet")
    parent = history[-1][0]
    if parent.asked_spec is not None and parent.asked_spec != cluster.spec:
        return _Answer(key, f"waiting for a run of {cluster.spec}, which is set now")
    try:
        offer = _allowed(place, cluster, loop.offer_for(place.workspace, project, cluster))
        phase = _phase_of(project, key)
        aims = SearchAims(exploration_budget=project.limits.exploration_budget)
        deadline_s = project.sla.max_runtime_s if project.sla else None
        wish = Wish(sla, phase, aims, deadline_s=deadline_s)
        answer = loop.policy.advise(question_of(history, offer, wish))
    except (InvalidInput, PlatformError) as error:
        if error.is_retryable:
            raise
        # The run is over with: guardrails must not wait until a missing permission is granted.
        return _Answer(key, str(error), is_hindered=True)
    if isinstance(answer, Abstention):
        return _Answer(key, answer.reason)
    present = parent.spec if cluster.min_workers else cluster.spec
    is_change = answer.spec != present or parent.state is RunState.FAILED
    verb = "next on" if is_change else "stays on"
    note = f"{verb} {answer.spec}: {answer.evidence.reason}"
    return _Answer(key, note, answer, parent, is_change)


def _phase_of(project: Project, cluster_key: str) -> Phase:
    cluster = project.clusters.get(cluster_key)
    return (cluster.phase if cluster else None) or project.phase


def _allowed(place: Place, cluster: DefinedCluster, offer: Offer) -> Offer:
    """Return the offer without what a pool or a cluster policy forbids."""
    candidates = offer.space.candidates
    refused = place.host.refusals(place.definition(), cluster.cluster_key, candidates)
    if not refused:
        return offer
    rejections = tuple(Rejection(s, why, 1, 0, "rules broken") for s, why in refused.items())
    left = tuple(spec for spec in candidates if spec not in refused)
    return replace(offer, space=CandidateSpace(left, rejections + offer.space.rejections))


def _store(tx: Transaction, answer: _Answer, place: Place) -> None:
    """Store what was concluded for one cluster; what was issued before is superseded."""
    advice, parent, key = answer.advice, answer.parent, answer.cluster_key
    if advice is None or parent is None:
        return
    for old in tx.recommendations_of(parent.project_id, states=_OPEN):
        if old.cluster_key == key:
            expired = old.after(RecommendationEvent.EXPIRE)
            tx.put_recommendation(replace(expired, verdict="superseded by what later runs say"))
    if answer.is_change:
        number = tx.recommendation_count(parent.run_id) + 1
        draft = drafted(advice, parent, place.now(), number=number)
        tx.put_recommendation(draft.after(RecommendationEvent.ISSUE))
    project = tx.project(parent.project_id)
    cluster = project.clusters.get(key) or ProjectCluster(key, parent.spec)
    project = project.with_cluster(replace(cluster, phase=advice.phase))
    tx.put_project(replace(project, phase=least_settled(project)))


def _told(project: Project, answers: Sequence[_Answer]) -> Project:
    """Return the project with a notice of what hinders advice; without, once nothing does."""
    reasons = " ".join(answer.note for answer in answers if answer.is_hindered)
    notice = project.guarding.notice
    if reasons:
        notice = f"{_HINDERED} {reasons}"
    elif notice is not None and notice.startswith(_HINDERED):
        notice = None
    return replace(project, guarding=replace(project.guarding, notice=notice))


def least_settled(project: Project) -> Phase:
    """Return the phase of the project as a whole."""
    order = (Phase.LEARNING, Phase.REBASING, Phase.OPTIMIZING)
    phases = [cluster.phase or project.phase for cluster in project.clusters.values()]
    return min(phases, key=order.index)
