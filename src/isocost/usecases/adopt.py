"""Definitions of a workspace in; projects that are looked after, out.

Set-up (log delivery, the project's tag, the webhook) is shown as a difference first. Taking a
project off restores the definition as it was.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from isocost.domain.change import Change, ChangeKind, ChangeState
from isocost.domain.limits import NO_LIMITS, Limits
from isocost.domain.project import Origin, Project, ProjectCluster, Sla
from isocost.domain.workspace import Workspace
from isocost.errors import InvalidInput, NotFound
from isocost.platforms.host import ChangePlan, Definition, Host, Settings
from isocost.store.base import Store, Transaction
from isocost.usecases.apply import carry_out, next_change_id, take_off, text_of
from isocost.usecases.loop import Loop, LoopStep, Place

_ID: Final = re.compile(r"[^a-z0-9]+")
_ID_LENGTH: Final = 40  # of the readable part: ids stand in tags, tables and addresses


@dataclass(frozen=True, slots=True)
class Listed:
    """One definition and what would come of importing it.

    Attributes:
        why_not: a sentence each; empty if it can be imported.
        project_id: of the project that it is already.
    """

    definition: Definition
    why_not: tuple[str, ...]
    project_id: str | None = None

    @property
    def is_importable(self) -> bool:
        """Whether nothing speaks against importing it."""
        return not self.why_not


@dataclass(frozen=True, slots=True)
class Intent:
    """What a user wants of an imported project.

    Attributes:
        sla: None to set it later; nothing is late then.
        is_auto_apply: apply recommendations without asking.
    """

    sla: Sla | None = None
    limits: Limits = NO_LIMITS
    is_auto_apply: bool = False


def listed(store: Store, workspace: Workspace, host: Host) -> list[Listed]:
    """Return all definitions of a workspace, each with whether it qualifies.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    with store.transaction(read_only=True) as tx:
        ids = _project_ids(tx, workspace.name)
    return [_listed(definition, ids) for definition in host.definitions()]


def _project_ids(tx: Transaction, workspace: str) -> dict[str, str]:
    return {
        project.origin.definition_id: project.project_id
        for project in tx.imported_projects(workspace)
        if project.origin is not None and not project.is_retired
    }


def _listed(definition: Definition, ids: Mapping[str, str]) -> Listed:
    project_id = ids.get(definition.definition_id)
    why_not = definition.obstacles
    if project_id is not None:
        why_not = (f"It is already imported as project {project_id}.",)
    return Listed(definition, why_not, project_id)


def planned_set_up(
    workspace: Workspace, host: Host, definition: Definition, *, webhook_id: str
) -> ChangePlan:
    """Return what importing would change of a definition, for people to see first.

    Args:
        workspace: in which it is.
        host: the same, to be asked.
        definition: not imported yet.
        webhook_id: of the notification destination, or what stands for one that is still to be
            made; empty without one.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    return host.planned_set_up(
        definition,
        project_id_of(workspace, definition),
        log_destination=workspace.log_destination,
        webhook_id=webhook_id,
    )


def adopt(
    loop: Loop,
    workspace: Workspace,
    definition_id: str,
    *,
    intent: Intent,
    webhook_secret: str = "",
) -> Project:
    """Import one definition as a project, set it up, and return the project.

    Importing twice returns the project that is there. Where the process dies in between, the same
    call, or the next look at the project, goes on.

    Raises:
        InvalidInput: it does not qualify.
        NotFound: there is no such definition.
        PlatformError: the workspace refuses or cannot be reached.
    """
    host = loop.host_of(workspace)
    place = Place(workspace, host, definition_id=definition_id, now_in=loop.now_in)
    definition = place.definition()
    with loop.store.transaction(read_only=True) as tx:
        project_id = _project_ids(tx, workspace.name).get(definition_id)
        known = None if project_id is None else tx.project(project_id)
        planned = [] if project_id is None else tx.changes_of(project_id, is_planned=True)
    if known is not None:
        return _set_up(loop, known, planned, place=place)
    if definition.obstacles:
        raise InvalidInput(
            f"{definition.name!r} ({definition_id}) cannot be imported: "
            f"{' '.join(definition.obstacles)}"
        )
    webhook_id = ""
    if workspace.webhook_url and webhook_secret:
        webhook_id = host.webhook(workspace.webhook_url, webhook_secret)
    project = _project(workspace, definition, intent, webhook_id=webhook_id)
    plan = host.planned_set_up(
        definition,
        project.project_id,
        log_destination=workspace.log_destination,
        webhook_id=webhook_id,
    )
    change = _set_up_change(project, definition, plan, place=place)
    with loop.store.transaction() as tx:
        if definition_id not in _project_ids(tx, workspace.name):  # else another was faster
            tx.put_project(project)
            if plan.difference:
                change_id = next_change_id(tx, project.project_id)
                tx.put_change(replace(change, change_id=change_id))
        project = tx.project(project.project_id)
        planned = tx.changes_of(project.project_id, is_planned=True)
    loop.tell(LoopStep.SET_UP_PLANNED, project.project_id)
    return _set_up(loop, project, planned, place=place)


def _set_up(loop: Loop, project: Project, planned: Sequence[Change], *, place: Place) -> Project:
    """Carry out what is planned of a set-up; what else is planned is for the next look."""
    for change in planned:
        if change.kind is not ChangeKind.SET_UP:
            continue
        made = carry_out(loop, change, place)
        loop.tell(LoopStep.SET_UP_WRITTEN, project.project_id)
        if made.state is not ChangeState.MADE:
            raise InvalidInput(
                f"{project.name!r} was not set up: {made.detail}. It stays imported; set it up "
                f"again with: isocost project set {project.project_id} --set-up"
            )
    loop.tell(LoopStep.IMPORTED, project.project_id)
    return project


def project_id_of(workspace: Workspace, definition: Definition) -> str:
    """Return the id that a definition's project has: readable, and the same each time."""
    words = _ID.sub("-", definition.name.lower()).strip("-")[:_ID_LENGTH].strip("-")
    return "-".join(part for part in (workspace.name, words, definition.definition_id) if part)


def _project(
    workspace: Workspace, definition: Definition, intent: Intent, *, webhook_id: str
) -> Project:
    project = Project(
        project_id=project_id_of(workspace, definition),
        name=definition.name,
        clusters={
            key: ProjectCluster(key, cluster.spec) for key, cluster in definition.clusters.items()
        },
        sla=intent.sla,
        origin=Origin(
            workspace.name,
            definition.definition_id,
            settings=text_of(definition.settings),
            webhook_id=webhook_id,
        ),
        limits=intent.limits,
    )
    guarding = replace(project.guarding, is_auto_apply=intent.is_auto_apply)
    return replace(project, guarding=guarding)


def _set_up_change(
    project: Project, definition: Definition, plan: ChangePlan, *, place: Place
) -> Change:
    return Change(
        change_id="",
        project_id=project.project_id,
        kind=ChangeKind.SET_UP,
        definition_id=definition.definition_id,
        before=text_of(definition.settings),
        after=text_of(plan.settings),
        planned_at=place.now(),
        difference=plan.difference,
    )


def retire(loop: Loop, project: Project) -> Sequence[str]:
    """Take a project off: restore its definition exactly, keep its history; returns what changed.

    A definition that is gone needs no restoring. Where somebody else changed it in the meantime,
    only what this product set is taken back. Where the process dies in between, the same call, or
    the next look at the project, goes on.

    Raises:
        PlatformError: the workspace refuses or cannot be reached; the project is taken off once
            it can be.
    """
    place = loop.place_of(project)
    difference: tuple[str, ...] = ()
    try:
        difference = _restore(loop, project, place)
    except NotFound:
        pass
    with loop.store.transaction() as tx:
        take_off(tx, project.project_id)
    return difference


def _restore(loop: Loop, project: Project, place: Place) -> tuple[str, ...]:
    if project.origin is None:
        return ()
    with loop.store.transaction(read_only=True) as tx:
        planned = tx.changes_of(project.project_id, is_planned=True)
    for change in planned:  # whoever died may have written it; only then is known what to restore
        carry_out(loop, change, place)
    definition = place.definition(is_fresh=True)
    original: Settings = json.loads(project.origin.settings)
    with loop.store.transaction(read_only=True) as tx:
        made = [c for c in tx.changes_of(project.project_id) if c.state is ChangeState.MADE]
    if not made:
        return ()
    plan = place.host.planned_restore(definition, original, json.loads(made[-1].after))
    if not plan.difference:
        return ()
    with loop.store.transaction() as tx:
        change = Change(
            change_id=next_change_id(tx, project.project_id),
            project_id=project.project_id,
            kind=ChangeKind.RESTORE,
            definition_id=place.definition_id,
            before=text_of(definition.settings),
            after=text_of(plan.settings),
            planned_at=place.now(),
            difference=plan.difference,
        )
        tx.put_change(change)
    loop.tell(LoopStep.CHANGE_PLANNED, project.project_id)
    ended = carry_out(loop, change, place)
    if ended.state is not ChangeState.MADE:
        raise InvalidInput(
            f"The definition of {project.name!r} was not restored: {ended.detail}. Try again: "
            f"isocost project delete {project.project_id}"
        )
    return plan.difference
