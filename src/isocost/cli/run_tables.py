"""Executions in; tables and sentences for people and JSON for machines out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from rich.text import Text

from isocost.cli.amounts import told_seconds
from isocost.cli.listing import Heading, Listing
from isocost.cli.project_tables import duration, usd
from isocost.domain.cost import CostBreakdown
from isocost.domain.deviation import CauseOfDeviation, Deviation
from isocost.domain.project import Sla
from isocost.domain.run import Run
from isocost.units import PERCENT
from isocost.usecases.project_view import ExecutionView

_CAUSES: Final[Mapping[CauseOfDeviation, str]] = {
    CauseOfDeviation.DATA: "its data",
    CauseOfDeviation.CODE: "its program, which changed",
    CauseOfDeviation.RUNTIME_VERSION: "another runtime version",
    CauseOfDeviation.SPOT: "lost spot nodes",
    CauseOfDeviation.PLATFORM: "trouble of the platform",
    CauseOfDeviation.MODEL: "a wrong prediction for this cluster",
    CauseOfDeviation.NOISE: "chance",
}


def execution_listing(views: Sequence[ExecutionView]) -> Listing:
    """Return one row for each execution; its id begins with its project's."""
    return Listing(
        title="Runs",
        headings=(
            *(Heading(name) for name in ("Run", "Began (UTC)", "Clusters")),
            *(Heading(name, is_right=True) for name in ("Duration", "Cost")),
            *(Heading(name) for name in ("SLA", "Deviation by", "State")),
        ),
        rows=[_row(view) for view in views],
        caption="Duration of the whole, clusters' start included; list cost in USD.",
    )


def _row(view: ExecutionView) -> tuple[str | Text, ...]:
    execution = view.execution
    return (
        execution.execution_id,
        f"{execution.started_at:%Y-%m-%d %H:%M}",
        ", ".join(str(run.spec) for run in view.runs) or "–",
        told_seconds(execution.duration_s),
        usd(view.cost_usd),
        _sla_cell(view),
        "–" if view.main_cause is None else view.main_cause.value.replace("_", " "),
        _state(view),
    )


def _sla_cell(view: ExecutionView) -> Text:
    if view.is_sla_met is None:
        return Text("none")
    return Text("met", style="green") if view.is_sla_met else Text("missed", style="red")


def _state(view: ExecutionView) -> str:
    execution = view.execution
    if not execution.is_success:
        return "failed"
    return (
        f"{execution.state.value}: {execution.reason}"
        if execution.reason
        else (execution.state.value)
    )


def execution_lines(view: ExecutionView, sla: Sla | None) -> Iterator[str]:
    """Yield what there is to say of one execution."""
    execution = view.execution
    yield f"Run {execution.execution_id} of project {execution.project_id}: {_state(view)}"
    limit = (
        "no SLA"
        if sla is None
        else (
            f"{'within' if view.is_sla_met else 'not within'} the SLA of "
            f"{told_seconds(sla.max_runtime_s)}"
        )
    )
    began = f"{execution.started_at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"Began {began}, took {told_seconds(execution.duration_s)}: {limit}"
    if view.cost_usd is not None:
        yield f"List cost: {usd(view.cost_usd)} USD"
    for run in view.runs:
        yield from _run_lines(run)
    if execution.note:
        yield f"Concluded: {execution.note}"


def _run_lines(run: Run) -> Iterator[str]:
    yield ""
    yield f"Cluster {run.cluster_key}: {run.spec}, by {_by(run)}"
    if run.failure is not None:
        yield f"  failed: {run.failure}"
    else:
        yield f"  application: {duration(run.runtime_s)}"
    if run.spot_loss_count:
        yield f"  spot nodes lost: {run.spot_loss_count}"
    yield f"  list cost: {_told_cost(run.cost)}"
    for missing in run.cost.missing if run.cost is not None else ():
        yield f"  cost without: {missing}"
    if run.deviation is not None:
        for line in deviation_lines(run.deviation):
            yield f"  {line}"


def _by(run: Run) -> str:
    if run.recommendation_id is None:
        return "its definition"
    return f"recommendation {run.recommendation_id}"


def _told_cost(cost: CostBreakdown | None) -> str:
    if cost is None:
        return "unknown: the catalog lacks its node type"
    parts = ", ".join(f"{name} {usd(part)}" for name, part in cost.parts_usd.items() if part)
    return f"{usd(cost.total_usd)} USD ({parts})" if parts else f"{usd(cost.total_usd)} USD"


def deviation_lines(deviation: Deviation) -> Iterator[str]:
    """Yield how far a run was from its expectation, and each cause with its share, in words."""
    ratio = deviation.actual_s / deviation.expected_s - 1
    verdict = "is unusual" if deviation.is_anomaly else "is usual"
    yield (
        f"expected {told_seconds(deviation.expected_s)}, took "
        f"{told_seconds(deviation.actual_s)}: {ratio * PERCENT:+.0f} %, which {verdict} "
        f"({abs(deviation.sds):.1f} standard deviations)"
    )
    for share in deviation.shares:
        detail = f": {share.detail}" if share.detail else ""
        yield f"  {share.fraction * PERCENT:.0f} % by {_CAUSES[share.cause]}{detail}"


def execution_json(view: ExecutionView) -> dict[str, Any]:
    """Return an execution as an object."""
    execution = view.execution
    return {
        "run_id": execution.execution_id,
        "project_id": execution.project_id,
        "origin_run_id": execution.origin_run_id,
        "started_at": execution.started_at.isoformat(),
        "ended_at": execution.ended_at.isoformat(),
        "duration_s": execution.duration_s,
        "is_success": execution.is_success,
        "state": execution.state.value,
        "reason": execution.reason,
        "note": execution.note,
        "cost_usd": view.cost_usd,
        "is_sla_met": view.is_sla_met,
        "main_cause": view.main_cause,
    }


def run_json(run: Run) -> dict[str, Any]:
    """Return one cluster's run as an object."""
    return {
        "run_id": run.run_id,
        "cluster_key": run.cluster_key,
        "cluster": str(run.spec),
        "state": run.state.value,
        "recommendation_id": run.recommendation_id,
        "runtime_s": run.runtime_s,
        "failure": run.failure,
        "spot_loss_count": run.spot_loss_count,
        "cost": None if run.cost is None else msgspec.to_builtins(run.cost),
        "deviation": None if run.deviation is None else msgspec.to_builtins(run.deviation),
    }
