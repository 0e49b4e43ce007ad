"""An execution that was taken in; what it says of the recommendations it ran on, out.

Each run's deviation from what was expected is explained and stored with it; guardrails keep the
recommendation in force or go back to the last good spec.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import Final

from isocost.domain.cluster import ClusterSpec
from isocost.domain.execution import Execution, ExecutionEvent, ExecutionState
from isocost.domain.project import Project, Target
from isocost.domain.recommendation import (
    Recommendation,
    RecommendationEvent,
    RecommendationState,
)
from isocost.domain.run import Run, RunState
from isocost.recommend.next_input import OTHER_SIZE_LOG
from isocost.store.base import Transaction
from isocost.usecases.conclude import NEWEST_RUNS, allowed_seconds
from isocost.usecases.loop import BASELINE_RUNS, Loop, LoopStep, Place
from isocost.usecases.recommend import history_of
from isocost.usecases.weigh import Ran, Weighed, is_of_changed_project, weigh

# One may be bad luck, two say that something is wrong.
MOST_ROLL_BACKS: Final = 2
_JUDGEABLE: Final = {RecommendationState.APPLIED, RecommendationState.KEPT}
# What has been in force, by its state.
_TRIED: Final = frozenset({
    RecommendationState.APPLIED,
    RecommendationState.OBSERVED,
    RecommendationState.KEPT,
    RecommendationState.ROLLED_BACK,
})


def observe(loop: Loop, execution: Execution, place: Place) -> None:
    """Judge an execution's runs, and remember what follows.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    with loop.store.transaction(read_only=True) as tx:
        project = tx.project(execution.project_id)
        stored = [tx.run(run_id) for run_id in execution.run_ids]
        runs = _with_shares(project, execution, stored)
        ran = [_ran(tx, project, execution, run=run) for run in runs]
    weighed = [weigh(loop, place, project, ran=each) for each in ran]
    loop.tell(LoopStep.WEIGHED, execution.project_id)
    with loop.store.transaction() as tx:
        now = tx.execution(execution.execution_id)
        if now.state is not ExecutionState.INGESTED:  # another worker was faster
            return
        for each, found in zip(ran, weighed, strict=True):
            tx.put_run(replace(each.run, deviation=found.deviation))
            _store_verdict(tx, each, found)
        count_to_baseline(tx, execution)
        tx.put_execution(now.after(ExecutionEvent.JUDGE))
    loop.tell(LoopStep.JUDGED, execution.project_id)


def _ran(tx: Transaction, project: Project, execution: Execution, *, run: Run) -> Ran:
    history = history_of(tx, project.project_id, run.cluster_key, newest=NEWEST_RUNS)
    recommendation = None
    if run.recommendation_id is not None:
        known = tx.recommendations([run.recommendation_id])
        recommendation = known.get(run.recommendation_id)
    if recommendation is not None and recommendation.spec != run.asked_spec:
        recommendation = None  # somebody else changed the cluster and left the tag
    return Ran(
        run,
        profile=next((p for r, p in history if r.run_id == run.run_id), None),
        before=[(r, p) for r, p in history if r.ordinal < run.ordinal],
        recommendation=recommendation,
        parent=_parent_of(tx, recommendation),
        good=_target_after(tx, project, run).spec,
        is_late=_is_late(project, execution, run),
    )


def _target_after(tx: Transaction, project: Project, run: Run) -> Target:
    not_on = run.asked_spec or run.spec
    return last_good_target(tx, project, run.cluster_key, not_on=not_on, bad=run)


def _parent_of(tx: Transaction, recommendation: Recommendation | None) -> Run | None:
    if recommendation is None:
        return None
    parent_id = recommendation.parent_run_id
    return tx.runs([parent_id]).get(parent_id)


def _with_shares(project: Project, execution: Execution, runs: Sequence[Run]) -> list[Run]:
    """Return the runs with the time that each might have taken."""
    if project.sla is None or not execution.spans:
        return list(runs)
    allowed = allowed_seconds(execution, runs, project.sla)
    return [replace(run, allowed_s=allowed.get(run.cluster_key)) for run in runs]


def _is_late(project: Project, execution: Execution, run: Run) -> bool:
    """Whether the whole was late, and this run took more than its share."""
    if project.sla is None or execution.duration_s <= project.sla.max_runtime_s:
        return False
    if run.runtime_s is None or run.allowed_s is None:
        return True
    return run.runtime_s > run.allowed_s


def _store_verdict(tx: Transaction, ran: Ran, weighed: Weighed) -> None:
    if ran.recommendation is None or weighed.verdict is None:
        return
    recommendation = tx.recommendation(ran.recommendation.recommendation_id)
    if recommendation.state not in _JUDGEABLE:
        return
    is_kept = weighed.verdict.event is RecommendationEvent.KEEP
    if recommendation.state is RecommendationState.APPLIED:
        recommendation = recommendation.after(RecommendationEvent.OBSERVE)
        recommendation = recommendation.after(weighed.verdict.event)
    elif not is_kept:
        recommendation = recommendation.after(RecommendationEvent.ROLL_BACK)
    tx.put_recommendation(replace(recommendation, verdict=weighed.verdict.reason))
    if not is_kept:
        _go_back(tx, ran.run, recommendation, reason=weighed.verdict.reason)


def _go_back(tx: Transaction, run: Run, rolled_back: Recommendation, *, reason: str) -> None:
    """Have the last good spec put in force again, if the bad one still is."""
    project = tx.project(run.project_id)
    cluster = project.clusters[run.cluster_key]
    if cluster.recommendation_id != rolled_back.recommendation_id:
        return
    target = _target_after(tx, project, run)
    project = project.with_cluster(replace(cluster, going_back_to=target))
    guarding = project.guarding
    count = guarding.roll_back_count + 1
    notice = f"Went back from {rolled_back.spec} to {target.spec}: {reason}."
    is_auto_apply = guarding.is_auto_apply
    if is_auto_apply and count >= MOST_ROLL_BACKS:
        is_auto_apply = False
        notice += (
            f" That was roll-back {count}, so nothing is applied by itself any more. Look at the "
            f"runs, then turn it on again: isocost project set {project.project_id} --auto-apply"
        )
    guarding = replace(guarding, roll_back_count=count, notice=notice, is_auto_apply=is_auto_apply)
    tx.put_project(replace(project, guarding=guarding))


def last_good_target(
    tx: Transaction,
    project: Project,
    cluster_key: str,
    *,
    not_on: ClusterSpec,
    bad: Run | None = None,
) -> Target:
    """Return the spec of the newest run that kept the deadline elsewhere, else the first one's.

    Of what ran elsewhere, it looks as far back as the model does. After a bad run, what did well
    while the project was another one, or on less input, is no use; without anything else, the
    spec not to be on is returned.
    """
    project_id = project.project_id
    others = tx.runs_elsewhere(project_id, cluster_key, not_on=not_on, newest=NEWEST_RUNS)
    first = tx.first_run_elsewhere(project_id, cluster_key, not_on=not_on)
    since = 0 if bad is None else _newest_change(tx, bad)
    if bad is not None:
        others = [run for run in others if run.ordinal >= since and _reads_as_much(run, bad)]
        first = None if since or (first and not _reads_as_much(first, bad)) else first
    chosen = next((run for run in reversed(others) if _is_good(tx, project, run)), first)
    if chosen is None or chosen.asked_spec is None:
        return Target(not_on)
    return Target(chosen.asked_spec, chosen.recommendation_id)


def _newest_change(tx: Transaction, bad: Run) -> int:
    """Return the ordinal of the newest run that found its project changed; 0 for none."""
    runs = tx.runs_of(bad.project_id, newest=NEWEST_RUNS, cluster_key=bad.cluster_key)
    return max((r.ordinal for r in (*runs, bad) if is_of_changed_project(r)), default=0)


def _reads_as_much(run: Run, bad: Run) -> bool:
    """Whether a run read about as much as another, or more; so does one that does not say."""
    if not run.input_bytes or not bad.input_bytes:
        return True
    return log(bad.input_bytes / run.input_bytes) <= OTHER_SIZE_LOG


def _is_good(tx: Transaction, project: Project, run: Run) -> bool:
    if run.state is not RunState.INGESTED or run.execution_id is None:
        return False
    if run.recommendation_id is not None:
        recommendation = tx.recommendations([run.recommendation_id]).get(run.recommendation_id)
        if recommendation is None or recommendation.state is not RecommendationState.KEPT:
            return False
    limit_s = float("inf") if project.sla is None else project.sla.max_runtime_s
    return tx.execution(run.execution_id).duration_s <= limit_s


def count_to_baseline(tx: Transaction, execution: Execution) -> None:
    """Measure savings against the first successful runs before anything was applied.

    After a reset those are the first runs since, on whatever was in force then.
    """
    project = tx.project(execution.project_id)
    has_enough = len(project.baseline_ids) >= BASELINE_RUNS
    if has_enough or not execution.is_success or not execution.run_ids:
        return
    tried = tx.recommendations_of(project.project_id, states=_TRIED)
    parents = tx.runs([recommendation.parent_run_id for recommendation in tried])
    if any(parent.ordinal >= project.learned_from for parent in parents.values()):
        return
    ids = dict.fromkeys((*project.baseline_ids, execution.execution_id))
    tx.put_project(replace(project, baseline_ids=tuple(ids)))
