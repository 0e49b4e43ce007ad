"""An issued recommendation, or a spec to go back to, in; the changed definition out.

A change is planned (stored with what was read and what is to be written), written, and confirmed.
Whoever dies in between leaves a planned change; finishing it writes nothing twice, since the
definition then is as it should be already.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from isocost.domain.change import Change, ChangeEvent, ChangeKind, ChangeState
from isocost.domain.cluster import ClusterSpec
from isocost.domain.project import Project, ProjectCluster, Target
from isocost.domain.recommendation import (
    Recommendation,
    RecommendationEvent,
    RecommendationState,
)
from isocost.errors import InvalidInput, NotFound, PlatformError
from isocost.platforms.host import ChangePlan, Definition, Settings
from isocost.store.base import Transaction
from isocost.usecases.loop import Loop, LoopStep, Place

Wanted = Mapping[str, Target]
_FORCED: Final = frozenset({ChangeKind.APPLY, ChangeKind.ROLL_BACK})
_NOT_OBSERVED: Final = frozenset({
    RecommendationState.DRAFTED,
    RecommendationState.ISSUED,
    RecommendationState.APPLIED,
})
_NOT_QUALIFYING: Final = "The definition no longer qualifies:"


def plan_apply(
    loop: Loop, project: Project, place: Place, *, recommendations: Sequence[Recommendation]
) -> Change | None:
    """Plan the change that puts recommendations in force; None where it must not be.

    What a policy forbids expires with the reason.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    wanted = {r.cluster_key: Target(r.spec, r.recommendation_id) for r in recommendations}
    plan = _plan(place, wanted)
    if isinstance(plan, str):
        with loop.store.transaction() as tx:
            _expire(tx, [r.recommendation_id for r in recommendations], plan)
        return None
    definition, changed = plan
    return _store_plan(
        loop, project, place, kind=ChangeKind.APPLY, plan=(definition, changed), wanted=wanted
    )


def plan_roll_back(loop: Loop, project: Project, place: Place) -> Change | None:
    """Plan the change that puts the specs back in force that guardrails want.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    wanted = {
        key: cluster.going_back_to
        for key, cluster in project.clusters.items()
        if cluster.going_back_to is not None
    }
    plan = _plan(place, wanted)
    if isinstance(plan, str):
        _give_up_going_back(loop, project, wanted, reason=plan)
        return None
    return _store_plan(loop, project, place, kind=ChangeKind.ROLL_BACK, plan=plan, wanted=wanted)


def _plan(place: Place, wanted: Wanted) -> tuple[Definition, ChangePlan] | str:
    """Return the definition as read with the planned change, or why there can be none."""
    definition = place.definition(is_fresh=True)
    gone = [key for key in wanted if key not in definition.clusters]
    if gone:
        return f"the definition has no cluster {', '.join(gone)} any more"
    if definition.obstacles:
        return f"the definition no longer qualifies: {' '.join(definition.obstacles)}"
    specs: dict[str, tuple[ClusterSpec, str | None]] = {
        key: (target.spec, target.recommendation_id) for key, target in wanted.items()
    }
    try:
        plan = place.host.planned_specs(definition, specs)
    except PlatformError as error:
        if error.is_retryable:
            raise
        return str(error)  # such as a cluster policy that may not be read
    return plan.refusal if plan.refusal is not None else (definition, plan)


def _store_plan(
    loop: Loop,
    project: Project,
    place: Place,
    *,
    kind: ChangeKind,
    plan: tuple[Definition, ChangePlan],
    wanted: Wanted,
) -> Change | None:
    definition, changed = plan
    with loop.store.transaction() as tx:
        planned = tx.changes_of(project.project_id, is_planned=True)
        if planned:  # another worker was faster
            return planned[0]
        if not _STILL_WANTED[kind](tx, project.project_id, wanted):  # and is done already
            return None
        change = Change(
            change_id=next_change_id(tx, project.project_id),
            project_id=project.project_id,
            kind=kind,
            definition_id=place.definition_id,
            before=text_of(definition.settings),
            after=text_of(changed.settings),
            planned_at=place.now(),
            recommendation_ids=tuple(
                target.recommendation_id
                for target in wanted.values()
                if target.recommendation_id is not None
            ),
            difference=changed.difference,
        )
        tx.put_change(change)
    loop.tell(LoopStep.CHANGE_PLANNED, project.project_id)
    return change


def _are_issued(tx: Transaction, _: str, wanted: Wanted) -> bool:
    ids = [target.recommendation_id for target in wanted.values() if target.recommendation_id]
    return all(tx.recommendation(each).state is RecommendationState.ISSUED for each in ids)


def _are_to_go_back(tx: Transaction, project_id: str, wanted: Wanted) -> bool:
    clusters = tx.project(project_id).clusters
    return all(clusters[key].going_back_to == target for key, target in wanted.items())


_STILL_WANTED: Final[Mapping[ChangeKind, Callable[[Transaction, str, Wanted], bool]]] = {
    ChangeKind.APPLY: _are_issued,
    ChangeKind.ROLL_BACK: _are_to_go_back,
}


def next_change_id(tx: Transaction, project_id: str) -> str:
    """Return the id of a project's next change; of two planned at once the later sorts last."""
    return f"{project_id}-c{tx.change_count(project_id) + 1:04}"


def carry_out(loop: Loop, change: Change, place: Place) -> Change:
    """Write a planned change, if it is not written yet, and remember what came of it.

    Raises:
        PlatformError: the workspace refuses or cannot be reached; the change stays planned.
    """
    before, after = json.loads(change.before), json.loads(change.after)
    try:
        is_made = place.host.change(change.definition_id, before, after)
    except InvalidInput as error:
        return _end(loop, change, place, event=ChangeEvent.REFUSE, detail=str(error))
    except NotFound as error:
        return _end(loop, change, place, event=ChangeEvent.CONFLICT, detail=str(error))
    loop.tell(LoopStep.CHANGE_WRITTEN, change.project_id)
    if is_made:
        return _end(loop, change, place, event=ChangeEvent.CONFIRM, detail="")
    reason = "somebody else changed the definition in the meantime; theirs counts"
    return _end(loop, change, place, event=ChangeEvent.CONFLICT, detail=reason)


def _end(loop: Loop, change: Change, place: Place, *, event: ChangeEvent, detail: str) -> Change:
    definition = _definition_now(place)
    with loop.store.transaction() as tx:
        stored = tx.change(change.change_id)
        if stored.state is not ChangeState.PLANNED:  # another worker was faster
            return stored
        ended = stored.ended(event, detail, now=place.now())
        tx.put_change(ended)
        _AFTER[event](tx, ended, definition)
    loop.tell(LoopStep.CHANGE_CONFIRMED, change.project_id)
    return ended


def _definition_now(place: Place) -> Definition | None:
    try:
        return place.definition(is_fresh=True)
    except NotFound:
        return None


def _confirmed(tx: Transaction, change: Change, definition: Definition | None) -> None:
    """Take over what is in force now; a definition that was restored is not looked after."""
    if change.kind is ChangeKind.RESTORE:
        take_off(tx, change.project_id)
        return
    project = tx.project(change.project_id)
    if change.kind is ChangeKind.APPLY:
        for recommendation_id in change.recommendation_ids:
            issued = tx.recommendation(recommendation_id)
            if issued.state is RecommendationState.ISSUED:  # else a user reset it meanwhile
                tx.put_recommendation(issued.after(RecommendationEvent.APPLY))
    if change.kind in _FORCED and definition is not None:
        project = in_force(tx, project, definition)
    tx.put_project(project)


def take_off(tx: Transaction, project_id: str) -> None:
    """Look after a project no more; its history is kept. Taking it off twice changes nothing."""
    for recommendation in tx.recommendations_of(project_id):
        if recommendation.state in _NOT_OBSERVED:
            expired = recommendation.after(RecommendationEvent.EXPIRE)
            tx.put_recommendation(replace(expired, verdict="the project was taken off"))
    tx.put_project(replace(tx.project(project_id), is_retired=True))


def _conflicted(tx: Transaction, change: Change, definition: Definition | None) -> None:
    """Let somebody else's change stand, and say so."""
    if change.kind is ChangeKind.APPLY:
        _expire(tx, change.recommendation_ids, change.detail)
    project = tx.project(change.project_id)
    if definition is not None:
        project = in_force(tx, project, definition)
    notice = f"A change was not made: {change.detail}."
    tx.put_project(replace(project, guarding=replace(project.guarding, notice=notice)))


def in_force(tx: Transaction, project: Project, definition: Definition) -> Project:
    """Return the project with the specs that the definition has."""
    tags = {key: cluster.recommendation_id for key, cluster in definition.clusters.items()}
    own = own_recommendations(tx, project.project_id, tags)
    for key, cluster in definition.clusters.items():
        known = project.clusters.get(key) or ProjectCluster(key, cluster.spec)
        project = project.with_cluster(
            replace(
                known,
                spec=cluster.spec,
                recommendation_id=own.get(key),
                going_back_to=None,
            )
        )
    return project


def own_recommendations(
    tx: Transaction, project_id: str, tags: Mapping[str, str | None]
) -> Mapping[str, str]:
    """Return by cluster key those recommendation tags that are of the project's own.

    Who copies a databricks job, or a cluster in one, copies its tags, and nothing was recommended
    to the copy.
    """
    known = tx.recommendations([tag for tag in tags.values() if tag is not None])
    place = {tag: (each.project_id, each.cluster_key) for tag, each in known.items()}
    return {
        key: tag
        for key, tag in tags.items()
        if tag is not None and place.get(tag) == (project_id, key)
    }


_AFTER: Final[Mapping[ChangeEvent, Callable[[Transaction, Change, Definition | None], None]]] = {
    ChangeEvent.CONFIRM: _confirmed,
    ChangeEvent.CONFLICT: _conflicted,
    ChangeEvent.REFUSE: _conflicted,
}


def notice_edits(tx: Transaction, project: Project, definition: Definition) -> Project:
    """Return the project as the definition is, if somebody else has changed its clusters.

    Their change counts: what was applied before is no longer in force, and no guardrail will undo
    what they did. A definition that no longer qualifies is told of, and of nothing else.
    """
    if definition.obstacles:
        notice = (
            f"{_NOT_QUALIFYING} {' '.join(definition.obstacles)} Nothing is "
            f"recommended until it does; take it off: isocost project delete {project.project_id}"
        )
        project = replace(project, guarding=replace(project.guarding, notice=notice))
        tx.put_project(project)
        return project
    if (project.guarding.notice or "").startswith(_NOT_QUALIFYING):
        project = replace(project, guarding=replace(project.guarding, notice=None))
        tx.put_project(project)
    edited = [
        key
        for key, cluster in definition.clusters.items()
        if key in project.clusters and project.clusters[key].spec != cluster.spec
    ]
    gone = [
        key
        for key, cluster in project.clusters.items()
        if key not in definition.clusters and (cluster.recommendation_id or cluster.going_back_to)
    ]
    if not edited and not gone and set(definition.clusters) <= set(project.clusters):
        return project
    project = _let_go(tx, project, edited, reason="somebody else changed the cluster")
    project = _let_go(tx, project, gone, reason="somebody else removed the cluster")
    changed = in_force(tx, project, definition)
    for key in edited:  # its tag may still be there, its spec is not
        changed = changed.with_cluster(replace(changed.clusters[key], recommendation_id=None))
    if edited:
        what = ", ".join(f"{key} is {definition.clusters[key].spec} now" for key in edited)
        notice = f"Somebody else changed the definition: {what}. Theirs counts."
        changed = replace(changed, guarding=replace(changed.guarding, notice=notice))
    tx.put_project(changed)
    return changed


def _let_go(tx: Transaction, project: Project, keys: Sequence[str], *, reason: str) -> Project:
    """Return the project with nothing of ours in force on these clusters, nor wanted there."""
    for key in keys:
        cluster = project.clusters[key]
        applied_id = cluster.recommendation_id
        # No run will judge what was applied and has not been judged.
        if applied_id and tx.recommendation(applied_id).state is RecommendationState.APPLIED:
            _expire(tx, [applied_id], reason)
        project = project.with_cluster(
            replace(cluster, recommendation_id=None, going_back_to=None)
        )
    return project


def _expire(tx: Transaction, recommendation_ids: Sequence[str], reason: str) -> None:
    for recommendation_id in recommendation_ids:
        found = tx.recommendation(recommendation_id)
        if found.state in {RecommendationState.ISSUED, RecommendationState.APPLIED}:
            expired = found.after(RecommendationEvent.EXPIRE)
            tx.put_recommendation(replace(expired, verdict=reason))


def _give_up_going_back(loop: Loop, project: Project, wanted: Wanted, *, reason: str) -> None:
    with loop.store.transaction() as tx:
        project = tx.project(project.project_id)
        for key in wanted:
            project = project.with_cluster(replace(project.clusters[key], going_back_to=None))
        specs = ", ".join(str(target.spec) for target in wanted.values())
        notice = f"Going back to {specs} was not possible: {reason}."
        tx.put_project(replace(project, guarding=replace(project.guarding, notice=notice)))


def text_of(settings: Settings) -> str:
    """Return settings as JSON text, the same for the same settings."""
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
