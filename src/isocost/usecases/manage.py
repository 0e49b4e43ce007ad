"""What a user decides about a project or a recommendation in; the stored consequence out."""

from dataclasses import replace
from typing import Final

from isocost.domain.change import Change, ChangeState
from isocost.domain.limits import Limits
from isocost.domain.project import NOT_GUARDED, Phase, Project, ProjectCluster, Sla
from isocost.domain.recommendation import (
    Recommendation,
    RecommendationEvent,
    RecommendationState,
)
from isocost.errors import InvalidInput
from isocost.store.base import Store, Transaction
from isocost.usecases.apply import carry_out, plan_apply, plan_roll_back
from isocost.usecases.loop import Loop
from isocost.usecases.observe import last_good_target

_OPEN: Final = {RecommendationState.DRAFTED, RecommendationState.ISSUED}


def set_sla(store: Store, project_id: str, sla: Sla | None) -> Project:
    """Give a project another deadline; its clusters learn again what keeps it.

    What was recommended for the old one and is not applied expires.
    """
    with store.transaction() as tx:
        project = replace(tx.project(project_id), sla=sla)
        _expire_open(tx, project_id, "the deadline was changed")
        tx.put_project(_renewed(project))
        return tx.project(project_id)


def set_limits(store: Store, project_id: str, limits: Limits) -> Project:
    """Give a project other limits; its clusters learn again.

    What was recommended within the old ones and is not applied expires: it may break the new.
    """
    with store.transaction() as tx:
        project = replace(tx.project(project_id), limits=limits)
        _expire_open(tx, project_id, "the limits were changed")
        tx.put_project(_renewed(project))
        return tx.project(project_id)


def set_auto_apply(store: Store, project_id: str, *, is_on: bool) -> Project:
    """Turn auto-apply on, which forgives earlier roll-backs, or off."""
    with store.transaction() as tx:
        project = tx.project(project_id)
        guarding = replace(project.guarding, is_auto_apply=is_on)
        if is_on:
            guarding = replace(guarding, roll_back_count=0, notice=None)
        tx.put_project(replace(project, guarding=guarding))
        return tx.project(project_id)


def resume(store: Store, project_id: str) -> Project:
    """Have a project looked at again that was left alone after failures."""
    with store.transaction() as tx:
        project = tx.project(project_id)
        guarding = replace(project.guarding, fault=None, failed_looks=0, look_at=None, notice=None)
        tx.put_project(replace(project, guarding=guarding))
        return tx.project(project_id)


def reset(store: Store, project_id: str) -> Project:
    """Have a project learn from the beginning: what runs so far taught does not count any more.

    The definition stays as it is, with whatever is in force.
    """
    with store.transaction() as tx:
        project = tx.project(project_id)
        _expire_open(tx, project_id, "the project was reset")
        executions = tx.executions_of(project_id, newest=1)
        learned_from = executions[-1].ordinal + 1 if executions else 0
        guarding = replace(NOT_GUARDED, is_auto_apply=project.guarding.is_auto_apply)
        project = replace(project, guarding=guarding, baseline_ids=(), learned_from=learned_from)
        tx.put_project(_renewed(project))
        return tx.project(project_id)


def _expire_open(tx: Transaction, project_id: str, reason: str) -> None:
    for recommendation in tx.recommendations_of(project_id, states=_OPEN):
        expired = recommendation.after(RecommendationEvent.EXPIRE)
        tx.put_recommendation(replace(expired, verdict=reason))


def _renewed(project: Project) -> Project:
    for cluster in project.clusters.values():
        project = project.with_cluster(_learning(cluster))
    return replace(project, phase=Phase.LEARNING)


def _learning(cluster: ProjectCluster) -> ProjectCluster:
    return replace(cluster, phase=Phase.LEARNING)


def delete(store: Store, project_id: str) -> None:
    """Forget a project that was taken off, with its runs.

    Raises:
        InvalidInput: its definition has not been restored yet.
    """
    with store.transaction() as tx:
        project = tx.project(project_id)
        if project.origin is not None and not project.is_retired:
            raise InvalidInput(
                f"Project {project_id} is still looked after, and its definition may carry what "
                f"was set up. Take it off first: isocost project delete {project_id}"
            )
        tx.remove_project(project_id)


def apply_by_hand(loop: Loop, recommendation_id: str) -> Change:
    """Put an issued recommendation in force.

    Raises:
        InvalidInput: it is not issued (any more), or a policy forbids it.
        PlatformError: the workspace refuses or cannot be reached.
    """
    with loop.store.transaction(read_only=True) as tx:
        recommendation = tx.recommendation(recommendation_id)
        project = tx.project(recommendation.project_id)
    _demand(recommendation, {RecommendationState.ISSUED}, "be applied")
    place = loop.place_of(project)
    change = plan_apply(loop, project, place, recommendations=[recommendation])
    if change is None:
        with loop.store.transaction(read_only=True) as tx:
            why = tx.recommendation(recommendation_id).verdict
        raise InvalidInput(f"Recommendation {recommendation_id} cannot be applied: {why}.")
    return _carried_out(loop, change, project)


def roll_back_by_hand(loop: Loop, recommendation_id: str) -> Change:
    """Go back from a recommendation in force to the last good spec, and turn auto-apply off.

    Whoever goes back says no to what the model wants; with auto-apply on, it would recommend the
    same again and have it in force after the next run.

    Raises:
        InvalidInput: it is not in force.
        PlatformError: the workspace refuses or cannot be reached.
    """
    with loop.store.transaction() as tx:
        recommendation = tx.recommendation(recommendation_id)
        project = tx.project(recommendation.project_id)
        cluster = project.clusters[recommendation.cluster_key]
        if cluster.recommendation_id != recommendation_id:
            raise InvalidInput(
                f"Recommendation {recommendation_id} is '{recommendation.state.value}' and not "
                "in force, so there is nothing to go back from. See: isocost recommendation list"
            )
        target = last_good_target(tx, project, recommendation.cluster_key, not_on=cluster.spec)
        project = _by_hand_only(project.with_cluster(replace(cluster, going_back_to=target)))
        if recommendation.state is not RecommendationState.ROLLED_BACK:  # else in vain
            if recommendation.state is RecommendationState.APPLIED:
                recommendation = recommendation.after(RecommendationEvent.OBSERVE)
            rolled_back = recommendation.after(RecommendationEvent.ROLL_BACK)
            tx.put_recommendation(replace(rolled_back, verdict="rolled back by hand"))
        tx.put_project(project)
    change = plan_roll_back(loop, project, loop.place_of(project))
    if change is None:
        return _gone_back_already(loop, recommendation)
    return _carried_out(loop, change, project)


def _gone_back_already(loop: Loop, recommendation: Recommendation) -> Change:
    """Return the change that another worker was faster with; raises InvalidInput without one."""
    with loop.store.transaction(read_only=True) as tx:
        project = tx.project(recommendation.project_id)
        newest = tx.changes_of(project.project_id, newest=1)
    cluster = project.clusters[recommendation.cluster_key]
    if newest and cluster.recommendation_id != recommendation.recommendation_id:
        return newest[-1]
    raise InvalidInput(project.guarding.notice or "Going back was not possible.")


def _by_hand_only(project: Project) -> Project:
    """Return the project with auto-apply off, and why if it was on."""
    guarding = project.guarding
    if not guarding.is_auto_apply:
        return project
    notice = (
        "A recommendation was rolled back by hand, so nothing is applied by itself any more. To "
        f"turn that on again: isocost project set {project.project_id} --auto-apply"
    )
    return replace(project, guarding=replace(guarding, is_auto_apply=False, notice=notice))


def _carried_out(loop: Loop, change: Change, project: Project) -> Change:
    ended = carry_out(loop, change, loop.place_of(project))
    if ended.state is not ChangeState.MADE:
        raise InvalidInput(
            f"The definition of {project.name!r} was not changed: {ended.detail}. Look at it in "
            "the workspace, then try again."
        )
    return ended


def _demand(recommendation: Recommendation, states: set[RecommendationState], what: str) -> None:
    if recommendation.state not in states:
        raise InvalidInput(
            f"Recommendation {recommendation.recommendation_id} is "
            f"'{recommendation.state.value}' and cannot {what}. See: isocost recommendation list"
        )
