"""A project's runs and a policy in; an issued recommendation, or an abstention, out."""

from datetime import datetime

from isocost.domain.project import Phase, PhaseEvent, Project
from isocost.domain.recommendation import (
    Abstention,
    Recommendation,
    RecommendationEvent,
    RecommendationState,
)
from isocost.domain.run import Run, RunState
from isocost.model.history import Ending, Observation
from isocost.recommend.policy import Advice, Policy, Question, SearchAims
from isocost.store.base import Store, Transaction
from isocost.usecases.recommend import Offer, without_failed


def recommend_by_policy(
    store: Store, parent: Run, offer: Offer, *, policy: Policy, aims: SearchAims, now: datetime
) -> Recommendation | Abstention:
    """Ask the policy for the cluster of the run after `parent`, and store an issued answer."""
    with store.transaction(read_only=True) as tx:
        project = tx.project(parent.project_id)
        runs = tx.runs_of(parent.project_id)
        history = [observation_of(run, tx) for run in runs if run.is_over]
        asked = [
            r for r in tx.recommendations_of(parent.project_id) if r.parent_run_id == parent.run_id
        ]
    issued = next((r for r in asked if r.state is RecommendationState.ISSUED), None)
    if issued is not None:
        return issued
    remaining = without_failed(offer, runs)
    question = Question(
        history=history,
        space=remaining.space,
        node_types=remaining.node_types,
        sla=project.sla,
        phase=project.phase,
        aims=aims,
    )
    answer = policy.advise(question)
    if isinstance(answer, Abstention):
        return answer
    issued = _issued(answer, parent, number=len(asked) + 1, now=now)
    with store.transaction() as tx:
        tx.put_recommendation(issued)
        tx.put_project(_in_phase(tx.project(parent.project_id), answer.phase))
    return issued


def observation_of(run: Run, tx: Transaction) -> Observation:
    """Return a run that is over as the model learns from it."""
    if run.state is RunState.INGESTED:
        ending, runtime_s = Ending.SUCCEEDED, run.runtime_s
    else:
        ending = Ending.TIMED_OUT if run.is_timed_out else Ending.FAILED
        runtime_s = run.failed_after_s
    return Observation(
        run_id=run.run_id,
        spec=run.spec,
        runtime_s=runtime_s,
        ending=ending,
        input_bytes=run.input_bytes,
        working_set_gib=run.working_set_gib,
        profile=None if run.event_log is None else tx.profile(run.run_id),
    )


def _in_phase(project: Project, phase: Phase) -> Project:
    if phase is Phase.OPTIMIZING and project.phase is not Phase.OPTIMIZING:
        return project.after(PhaseEvent.SETTLE)
    return project


def _issued(advice: Advice, parent: Run, *, number: int, now: datetime) -> Recommendation:
    drafted = Recommendation(
        recommendation_id=f"{parent.run_id}-next" + (f"-{number}" if number > 1 else ""),
        project_id=parent.project_id,
        cluster_key=parent.cluster_key,
        parent_run_id=parent.run_id,
        spec=advice.spec,
        prediction=advice.prediction,
        evidence=advice.evidence,
        drafted_at=now,
    )
    return drafted.after(RecommendationEvent.ISSUE)
