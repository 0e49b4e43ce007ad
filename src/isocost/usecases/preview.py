"""A decision that a user is about to take in; what it would change in the workspace out."""

import json
from collections.abc import Mapping
from dataclasses import replace

from isocost.domain.change import Change, ChangeKind, ChangeState
from isocost.domain.cluster import ClusterSpec
from isocost.domain.project import Project
from isocost.domain.recommendation import RecommendationState
from isocost.errors import InvalidInput, NotFound
from isocost.platforms.host import ChangePlan
from isocost.usecases.apply import carry_out, next_change_id, text_of
from isocost.usecases.loop import Loop, Place
from isocost.usecases.observe import last_good_target
from isocost.usecases.project_view import told_state


def previewed_apply(loop: Loop, recommendation_id: str) -> ChangePlan:
    """Return what applying a recommendation would change.

    Raises:
        InvalidInput: it is not issued (any more).
        NotFound: it, or the definition, is gone.
        PlatformError: the workspace refuses or cannot be reached.
    """
    with loop.store.transaction(read_only=True) as tx:
        recommendation = tx.recommendation(recommendation_id)
        project = tx.project(recommendation.project_id)
    if recommendation.state is not RecommendationState.ISSUED:
        raise InvalidInput(
            f"Recommendation {recommendation_id} is {told_state(recommendation.state)}, and only "
            f"an issued one can be applied. See: isocost recommendation list {project.project_id}"
        )
    wanted = {recommendation.cluster_key: (recommendation.spec, recommendation_id)}
    return _previewed(loop.place_of(project), wanted)


def previewed_roll_back(loop: Loop, recommendation_id: str) -> ChangePlan:
    """Return what going back from a recommendation in force would change.

    Raises:
        InvalidInput: it is not in force.
        NotFound: it, or the definition, is gone.
        PlatformError: the workspace refuses or cannot be reached.
    """
    with loop.store.transaction(read_only=True) as tx:
        recommendation = tx.recommendation(recommendation_id)
        project = tx.project(recommendation.project_id)
        cluster = project.clusters[recommendation.cluster_key]
        if cluster.recommendation_id != recommendation_id:
            raise InvalidInput(
                f"Recommendation {recommendation_id} is {told_state(recommendation.state)} and "
                "not in force, so there is nothing to go back from. See: isocost recommendation "
                f"list {project.project_id}"
            )
        target = last_good_target(tx, project, recommendation.cluster_key, not_on=cluster.spec)
    wanted = {recommendation.cluster_key: (target.spec, target.recommendation_id)}
    return _previewed(loop.place_of(project), wanted)


def _previewed(place: Place, wanted: Mapping[str, tuple[ClusterSpec, str | None]]) -> ChangePlan:
    definition = place.definition(is_fresh=True)
    if definition.obstacles:
        raise InvalidInput(
            f"{definition.name!r} no longer qualifies: {' '.join(definition.obstacles)} Restore "
            "it in the workspace, or take the project off: isocost project delete"
        )
    gone = [key for key in wanted if key not in definition.clusters]
    if gone:
        raise InvalidInput(
            f"{definition.name!r} has no cluster {', '.join(gone)} any more; somebody changed it "
            "in the workspace. The next run will tell of it."
        )
    plan = place.host.planned_specs(definition, wanted)
    if plan.refusal is not None:
        raise InvalidInput(f"{definition.name!r} may not be changed so: {plan.refusal}")
    return plan


def previewed_restore(loop: Loop, project: Project) -> tuple[str, ...]:
    """Return what taking a project off would change; nothing where the definition is gone.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    if project.origin is None:
        return ()
    with loop.store.transaction(read_only=True) as tx:
        made = [c for c in tx.changes_of(project.project_id) if c.state is ChangeState.MADE]
    place = loop.place_of(project)
    try:
        definition = place.definition(is_fresh=True)
    except NotFound:
        return ()
    if not made:
        return ()
    original, written = json.loads(project.origin.settings), json.loads(made[-1].after)
    return place.host.planned_restore(definition, original, written).difference


def previewed_set_up(loop: Loop, project: Project) -> tuple[str, ...]:
    """Return what setting a project's definition up again would change.

    Raises:
        NotFound: the definition is gone.
        PlatformError: the workspace refuses or cannot be reached.
    """
    return _planned_set_up(loop.place_of(project), project).difference


def _planned_set_up(place: Place, project: Project) -> ChangePlan:
    plan = place.host.planned_set_up(
        place.definition(is_fresh=True),
        project.project_id,
        log_destination=place.workspace.log_destination,
        webhook_id=project.origin.webhook_id if project.origin is not None else "",
    )
    if plan.refusal is not None:
        raise InvalidInput(f"{project.name!r} cannot be set up: {plan.refusal}")
    return plan


def set_up_again(loop: Loop, project: Project) -> Change | None:
    """Set a project's definition up where that was undone, or never worked; None if it is.

    Raises:
        InvalidInput: a policy forbids it, or somebody else changed the definition just now.
        NotFound: the definition is gone.
        PlatformError: the workspace refuses or cannot be reached.
    """
    place = loop.place_of(project)
    plan = _planned_set_up(place, project)
    if not plan.difference:
        return None
    before = text_of(place.definition().settings)
    with loop.store.transaction() as tx:
        stored = tx.project(project.project_id)
        changes = tx.changes_of(project.project_id)
        if stored.origin is not None and not any(c.state is ChangeState.MADE for c in changes):
            # Nothing was ever written, so what is there now is what will be restored.
            tx.put_project(replace(stored, origin=replace(stored.origin, settings=before)))
        change = Change(
            change_id=next_change_id(tx, project.project_id),
            project_id=project.project_id,
            kind=ChangeKind.SET_UP,
            definition_id=place.definition_id,
            before=before,
            after=text_of(plan.settings),
            planned_at=place.now(),
            difference=plan.difference,
        )
        tx.put_change(change)
    ended = carry_out(loop, change, place)
    if ended.state is not ChangeState.MADE:
        raise InvalidInput(
            f"{project.name!r} was not set up: {ended.detail}. Look at it in the workspace, then "
            f"try again: isocost project set {project.project_id} --set-up"
        )
    return ended
