"""How projects stand in; tables for people and JSON for machines out."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich.text import Text

from isocost.cli.amounts import told_seconds
from isocost.cli.listing import Heading, Listing
from isocost.domain.limits import Limits
from isocost.domain.project import Project, ProjectCluster
from isocost.recommend.wording import usd_digits
from isocost.units import PERCENT
from isocost.usecases.project_view import ProjectView
from isocost.usecases.wording import told_limit, told_sla


def usd(value: float | None) -> str:
    """Return an amount in USD, to cents, or three digits below one; a dash for an unknown one."""
    return "–" if value is None else usd_digits(value)


def percent(fraction: float | None, *, is_signed: bool = False) -> str:
    """Return a fraction in percent; a dash for an unknown one."""
    if fraction is None:
        return "–"
    rounded = round(fraction * PERCENT) or 0  # and never −0
    return f"{rounded:+} %" if is_signed and rounded else f"{rounded} %"


def project_listing(views: Sequence[ProjectView]) -> Listing:
    """Return one row for each project."""
    numbers = ("Runs", "Baseline → now", "Cost", "SLA met")
    return Listing(
        title="Projects",
        headings=(
            Heading("Project"),
            Heading("Phase"),
            *(Heading(name, is_right=True) for name in numbers),
            Heading("Last event"),
        ),
        rows=[_project_row(view) for view in views],
        caption="Mean list cost per run in USD: of the baseline, and of the last successful runs. "
        "What the baseline is: isocost project show PROJECT",
    )


def _project_row(view: ProjectView) -> tuple[str | Text, ...]:
    saving = view.saving_fraction
    return (
        view.project.project_id,
        view.phase.value,
        str(view.execution_count),
        f"{usd(view.baseline_usd)} → {usd(view.newest_usd)}",
        percent(None if saving is None else -saving, is_signed=True),
        percent(view.sla_met_fraction),
        _event_cell(view),
    )


def _event_cell(view: ProjectView) -> Text:
    if view.fault is not None:
        return Text(view.fault, style="red")
    at = view.last_event_at
    event = Text(view.last_event if at is None else f"{at:%m-%d} {view.last_event}")
    return event if view.notice is None else event.append(" (see its notice)", style="yellow")


def project_lines(view: ProjectView) -> Iterator[str]:
    """Yield what there is to say of one project, a line each."""
    project = view.project
    yield f"{project.name}: {view.phase.value}, {_counted(view.execution_count, 'run')}"
    if project.is_retired:
        yield "Taken off; only its history is kept."
    if project.origin is not None:
        yield f"Job {project.origin.definition_id} of workspace {project.origin.workspace}"
    if view.fault is not None:
        yield f"Fault: {view.fault}"
        yield f"Once that is mended: isocost project set {project.project_id} --resume"
    if view.notice is not None:
        yield f"Notice: {view.notice}"
    yield f"SLA: {told_sla(project.sla)}; met in {percent(view.sla_met_fraction)} of all runs"
    yield from _cost_lines(view)
    if view.is_auto_apply:
        since = _counted(project.guarding.roll_back_count, "roll-back")
        yield f"Auto-apply: on ({since} since)"
    else:
        yield "Auto-apply: off; recommendations wait for isocost recommendation apply"
    yield f"Last event: {view.last_event}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _cost_lines(view: ProjectView) -> Iterator[str]:
    if view.baseline_usd is None:
        yield "Baseline: none yet; it takes successful runs on the clusters it came with"
        return
    yield f"Baseline: {usd(view.baseline_usd)} USD, mean list cost of {_named(view.baseline_ids)}"
    if view.newest_usd is not None:
        yield (
            f"Now: {usd(view.newest_usd)} USD, mean list cost of {_named(view.newest_ids)}; "
            f"{percent(-(view.saving_fraction or 0.0), is_signed=True)} against the baseline"
        )


def _named(ids: Sequence[str]) -> str:
    return f"run {ids[0]}" if len(ids) == 1 else f"runs {', '.join(ids)}"


def cluster_listing(project: Project) -> Listing:
    """Return one row for each cluster of a project."""
    names = ("Cluster", "In force", "Phase", "By recommendation")
    return Listing(
        title="Clusters",
        headings=[Heading(name) for name in names],
        rows=[_cluster_row(project, cluster) for cluster in project.clusters.values()],
    )


def _cluster_row(project: Project, cluster: ProjectCluster) -> tuple[str, ...]:
    going = cluster.going_back_to
    return (
        cluster.cluster_key,
        str(cluster.spec) + (f", going back to {going.spec}" if going else ""),
        (cluster.phase or project.phase).value,
        cluster.recommendation_id or "none",
    )


def limit_lines(limits: Limits) -> Iterator[str]:
    """Yield a project's limits, a line each."""
    for name in Limits.__dataclass_fields__:
        yield f"{name.replace('_', ' ')}: {told_limit(name, getattr(limits, name))}"


def project_json(view: ProjectView) -> dict[str, Any]:
    """Return how a project stands as an object."""
    project = view.project
    sla = project.sla
    return {
        "project_id": project.project_id,
        "name": project.name,
        "workspace": view.workspace,
        "job_id": None if project.origin is None else project.origin.definition_id,
        "phase": view.phase.value,
        "execution_count": view.execution_count,
        "max_runtime_s": None if sla is None else sla.max_runtime_s,
        "miss_fraction": None if sla is None else sla.miss_fraction,
        "sla_met_fraction": view.sla_met_fraction,
        "baseline_ids": list(view.baseline_ids),
        "baseline_usd": view.baseline_usd,
        "newest_ids": list(view.newest_ids),
        "newest_usd": view.newest_usd,
        "saving_fraction": view.saving_fraction,
        "is_auto_apply": view.is_auto_apply,
        "is_retired": project.is_retired,
        "last_event": view.last_event,
        "last_event_at": None if view.last_event_at is None else view.last_event_at.isoformat(),
        "notice": view.notice,
        "fault": view.fault,
        "clusters": {
            key: {
                "cluster": str(cluster.spec),
                "phase": (cluster.phase or project.phase).value,
                "recommendation_id": cluster.recommendation_id,
            }
            for key, cluster in project.clusters.items()
        },
        "limits": {
            **msgspec.to_builtins(project.limits),
            "pinned": sorted(project.limits.pinned),
        },
    }


def duration(value: float | None) -> str:
    """Return a duration for people; a dash for an unknown one."""
    return "–" if value is None else told_seconds(value)
