"""What a user wants of a project in; the project as wanted, and what that changed, out."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from isocost.catalog.catalog import Catalog
from isocost.domain.limits import Limits
from isocost.domain.project import Project, Sla
from isocost.errors import InvalidInput
from isocost.store.base import Store
from isocost.usecases.manage import resume, set_auto_apply, set_limits, set_sla
from isocost.usecases.offer import check_families
from isocost.usecases.wording import told_limit, told_sla


@dataclass(frozen=True, slots=True)
class Configuration:
    """A project's settings.

    Attributes:
        is_auto_apply: recommendations are applied without asking.
    """

    sla: Sla | None
    limits: Limits
    is_auto_apply: bool


def configuration_of(project: Project) -> Configuration:
    """Return the settings that a project has."""
    return Configuration(project.sla, project.limits, project.guarding.is_auto_apply)


def configure(
    store: Store, project_id: str, wanted: Configuration, *, catalog: Catalog
) -> tuple[str, ...]:
    """Give a project other settings; returns a line for each that changed.

    A change of deadline or limits has its clusters learn again what keeps them; what stays as it
    was changes nothing.

    Raises:
        InvalidInput: the project was taken off.
        NotFound: there is no such project.
        UnknownName: the limits name a family that there is none of.
    """
    with store.transaction(read_only=True) as tx:
        project = active(tx.project(project_id))
        if project.origin is not None:
            check_families(wanted.limits, tx.workspace(project.origin.workspace), catalog)
    present = configuration_of(project)
    if wanted.sla != present.sla:
        set_sla(store, project_id, wanted.sla)
    if wanted.limits != present.limits:
        set_limits(store, project_id, wanted.limits)
    if wanted.is_auto_apply != present.is_auto_apply:
        set_auto_apply(store, project_id, is_on=wanted.is_auto_apply)
    return tuple(_differences(present, wanted))


def resume_project(store: Store, project_id: str) -> Project:
    """Have a project looked at again that was left alone; raises as `configure`."""
    with store.transaction(read_only=True) as tx:
        active(tx.project(project_id))
    return resume(store, project_id)


def active(project: Project) -> Project:
    """Return the project; raises InvalidInput if it was taken off."""
    if project.is_retired:
        raise InvalidInput(
            f"Project {project.project_id} was taken off; only its history is kept. Import its "
            "job again to have it looked after: isocost job import"
        )
    return project


def _differences(present: Configuration, wanted: Configuration) -> Iterator[str]:
    if wanted.sla != present.sla:
        yield f"SLA: {told_sla(present.sla)} → {told_sla(wanted.sla)}"
    for name in (field.name for field in fields(Limits)):
        old, new = getattr(present.limits, name), getattr(wanted.limits, name)
        if old != new:
            yield f"{name.replace('_', ' ')}: {told_limit(name, old)} → {told_limit(name, new)}"
    if wanted.is_auto_apply != present.is_auto_apply:
        yield "auto-apply: " + ("off → on" if wanted.is_auto_apply else "on → off")
