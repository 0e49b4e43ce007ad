"""Stored projects in; what command line, pages and demo tell of each out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import fsum
from typing import Final

from isocost.domain.change import Change, ChangeKind, ChangeState
from isocost.domain.cluster import ClusterSpec
from isocost.domain.deviation import CauseOfDeviation
from isocost.domain.execution import Execution, ExecutionState
from isocost.domain.project import Phase, Project, Sla
from isocost.domain.recommendation import RecommendationState
from isocost.domain.run import Run
from isocost.store.base import ExecutionCost, Store, Tally, Transaction
from isocost.units import PERCENT
from isocost.usecases.standing import Standing, standings

# Where an event worth telling is looked for before it is said that all is as expected: three
# weeks of a daily job.
_LOOKED_AT: Final = 21
_LEAST_SHARE: Final = 0.05  # less explains nothing


@dataclass(frozen=True, slots=True)
class ProjectView:
    """One imported project as it stands.

    Attributes:
        workspace: its name; empty for a project that was not imported.
        execution_count: all that were heard of.
        baseline_usd: mean list cost of the executions `baseline_ids`; None without any.
        baseline_ordinals: of these executions, the lowest first.
        newest_usd: mean list cost of the executions `newest_ids`, the last that were concluded and
            succeeded; None without any.
        saving_fraction: of the baseline; negative where it is dearer now.
        sla_met_fraction: of all executions: those that succeeded within the maximum runtime; None
            without an SLA or execution.
        last_event: the last change, failure or deviation; else how the last execution went.
        notice: what a person should know.
        fault: why it cannot be looked after at present.
    """

    project: Project
    workspace: str
    execution_count: int
    baseline_usd: float | None
    baseline_ids: tuple[str, ...]
    baseline_ordinals: tuple[int, ...]
    newest_usd: float | None
    newest_ids: tuple[str, ...]
    saving_fraction: float | None
    sla_met_fraction: float | None
    phase: Phase
    last_event: str
    last_event_at: datetime | None
    is_auto_apply: bool
    notice: str | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """One execution with what ran for it.

    Attributes:
        runs: of its clusters; none until it was collected.
        cost_usd: list cost of all its clusters; None where that of one is not known.
        main_cause: of the largest deviation among its runs; None if all went as expected.
        is_sla_met: succeeded within the maximum runtime; None without an SLA.
    """

    execution: Execution
    runs: tuple[Run, ...]
    cost_usd: float | None
    main_cause: CauseOfDeviation | None
    is_sla_met: bool | None


def project_view(tx: Transaction, project: Project) -> ProjectView:
    """Return how a project stands."""
    return views_of(tx, [project])[0]


def views_of(tx: Transaction, projects: Sequence[Project]) -> list[ProjectView]:
    """Return how projects stand, in their order."""
    found = standings(tx, projects)
    return [_view(project, standing) for project, standing in zip(projects, found, strict=True)]


def _view(project: Project, standing: Standing) -> ProjectView:
    baseline_usd, newest_usd = _mean_usd(standing.baseline), _mean_usd(standing.newest)
    last = max(_events(standing), key=lambda e: e[:2], default=None)
    return ProjectView(
        project=project,
        workspace="" if project.origin is None else project.origin.workspace,
        execution_count=standing.tally.execution_count,
        baseline_usd=baseline_usd,
        baseline_ids=project.baseline_ids,
        baseline_ordinals=tuple(cost.ordinal for cost in standing.baseline),
        newest_usd=newest_usd,
        newest_ids=tuple(cost.execution_id for cost in standing.newest),
        saving_fraction=_saving_fraction(baseline_usd, newest_usd),
        sla_met_fraction=_met_fraction(standing.tally, project.sla),
        phase=project.phase,
        last_event="no run has ended yet" if last is None else last[2],
        last_event_at=None if last is None else last[1],
        is_auto_apply=project.guarding.is_auto_apply,
        notice=project.guarding.notice,
        fault=project.guarding.fault,
    )


def project_views(store: Store, workspace: str | None = None) -> list[ProjectView]:
    """Return how the projects that are looked after stand, of one workspace or of all.

    Raises:
        NotFound: there is no such workspace.
    """
    with store.transaction(read_only=True) as tx:
        if workspace is not None:
            tx.workspace(workspace)
        found = tx.imported_projects(workspace)
        return views_of(tx, [project for project in found if not project.is_retired])


def execution_view(tx: Transaction, execution: Execution, sla: Sla | None) -> ExecutionView:
    """Return an execution with its runs, their cost and what explains their deviation."""
    return _execution_view(execution, tx.runs(execution.run_ids), sla)


def execution_views(
    tx: Transaction, project: Project, *, newest: int | None = None
) -> list[ExecutionView]:
    """Return a project's executions, oldest first, all or the newest few."""
    executions = tx.executions_of(project.project_id, newest=newest)
    runs = tx.runs([run_id for execution in executions for run_id in execution.run_ids])
    return [_execution_view(execution, runs, project.sla) for execution in executions]


def newest_execution_views(tx: Transaction, newest: int) -> list[ExecutionView]:
    """Return the executions of the newest runs of all projects, oldest first.

    A run of several clusters counts once; runs of experiments belong to no execution.
    """
    runs = tx.newest_runs(newest)
    ids = [run.execution_id for run in reversed(runs) if run.execution_id is not None]
    executions = tx.executions(ids)
    whole = tx.runs([run_id for each in executions.values() for run_id in each.run_ids])
    projects = {each.project_id: tx.project(each.project_id) for each in executions.values()}
    return [
        _execution_view(execution, whole, projects[execution.project_id].sla)
        for execution in (executions[each] for each in dict.fromkeys(ids))
    ]


def _execution_view(
    execution: Execution, known: Mapping[str, Run], sla: Sla | None
) -> ExecutionView:
    runs = tuple(known[run_id] for run_id in execution.run_ids)
    return ExecutionView(
        execution=execution,
        runs=runs,
        cost_usd=_cost_usd(runs),
        main_cause=_main_cause(runs),
        is_sla_met=None if sla is None else is_met(execution, sla),
    )


def is_met(execution: Execution, sla: Sla) -> bool:
    """Whether an execution succeeded within the maximum runtime."""
    return execution.is_success and execution.duration_s <= sla.max_runtime_s


def _saving_fraction(baseline_usd: float | None, newest_usd: float | None) -> float | None:
    return None if not baseline_usd or newest_usd is None else 1 - newest_usd / baseline_usd


def _met_fraction(tally: Tally, sla: Sla | None) -> float | None:
    if sla is None or not tally.execution_count:
        return None
    return tally.met_count / tally.execution_count


def _mean_usd(costs: Sequence[ExecutionCost]) -> float | None:
    known = [cost.cost_usd for cost in costs if cost.cost_usd is not None]
    return fsum(known) / len(known) if known else None


def _cost_usd(runs: Sequence[Run]) -> float | None:
    costs = [run.cost.total_usd for run in runs if run.cost is not None]
    return fsum(costs) if runs and len(costs) == len(runs) else None


def _main_cause(runs: Sequence[Run]) -> CauseOfDeviation | None:
    found = [r.deviation for r in runs if r.deviation is not None and r.deviation.main_cause]
    if not found:
        return None
    return max(found, key=lambda deviation: abs(deviation.sds)).main_cause


# Whether it is worth telling, when, and what.
_Event = tuple[bool, datetime, str]


def _events(standing: Standing) -> Iterator[_Event]:
    change, last, failed = standing.change, standing.last, standing.failed
    if change is not None:
        told = told_change(change, standing.changed_to)
        yield True, change.made_at or change.planned_at, told
    if last is None:
        return
    if last.is_success:
        yield False, last.ended_at, f"run {last.ordinal} {_how_far(last)}"
    oldest = last.ordinal - _LOOKED_AT
    if failed is not None and failed.ordinal > oldest:
        yield True, failed.ended_at, f"run {failed.ordinal} failed"
    run, whole = standing.explained, standing.explained_in
    if run is not None and whole is not None and whole.ordinal > oldest:
        yield True, whole.ended_at, told_deviation(run)


_DONE: Final[Mapping[ExecutionState, str]] = {
    ExecutionState.CONCLUDED: "went as expected",
    ExecutionState.LOST: "was lost",
}


def _how_far(execution: Execution) -> str:
    return execution.reason or _DONE.get(execution.state, "is being taken in")


_DID: Final[Mapping[ChangeKind, str]] = {
    ChangeKind.SET_UP: "set up",
    ChangeKind.APPLY: "applied",
    ChangeKind.ROLL_BACK: "rolled back to",
    ChangeKind.RESTORE: "restored",
}
_OUTCOME: Final[Mapping[ChangeState, str]] = {
    ChangeState.PLANNED: "being written",
    ChangeState.CONFLICTED: "not written",
    ChangeState.REFUSED: "refused",
}


def told_change(change: Change, specs: Sequence[ClusterSpec]) -> str:
    """Return what a change to these specs did, or why it was not made, in a few words."""
    own = "the cluster it came with" if change.kind is ChangeKind.ROLL_BACK else ""
    told = f"{_DID[change.kind]} {', '.join(map(str, specs)) or own}".strip()
    if change.state is ChangeState.MADE:
        return told
    return f"{told} ({_OUTCOME[change.state]})" + (f": {change.detail}" if change.detail else "")


def told_deviation(run: Run) -> str:
    """Return how far a run was from what was expected, and why, in a few words."""
    deviation = run.deviation
    if deviation is None:
        return f"run {run.ordinal} was not expected to take any time in particular"
    ratio = deviation.actual_s / deviation.expected_s - 1
    shares = ", ".join(
        f"{share.cause.value.replace('_', ' ')} {share.fraction * PERCENT:.0f} %"
        for share in deviation.shares
        if share.fraction >= _LEAST_SHARE
    )
    return f"run {run.ordinal} took {ratio * PERCENT:+.0f} % against its expectation: {shares}"


def told_state(state: RecommendationState) -> str:
    """Return a recommendation's state in words."""
    return state.value.replace("_", " ")
