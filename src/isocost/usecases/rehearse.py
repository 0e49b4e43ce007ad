"""A simulated workspace and a loop in; some weeks of its jobs lived through under it out.

Time is moved in steps; after each, what ended is looked after as the server would do it. The same
workspace left alone is the baseline: same seed, days and data, and the clusters people chose.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any, Final

from isocost.domain.deviation import CauseOfDeviation
from isocost.domain.execution import Execution
from isocost.domain.project import Phase, Sla
from isocost.domain.run import Run
from isocost.domain.workspace import Workspace
from isocost.simulator.server.control import WorkspaceControl
from isocost.store.base import Store
from isocost.usecases.adopt import Intent, adopt, listed
from isocost.usecases.loop import Loop
from isocost.usecases.project_view import ProjectView, project_view
from isocost.usecases.reconcile import look_after

# Long enough that a run's log has been delivered when it is looked for again, short enough that a
# recommendation is applied before the next run of a job that runs twice a day.
STEP: Final = timedelta(hours=3)


@dataclass(slots=True)
class Stage:
    """One simulated workspace as the rehearsal holds it.

    Attributes:
        changes: what will happen to a definition: "data", "code" or "spot", by its id.
        project_ids: of what was imported, by definition id.
    """

    workspace: Workspace
    control: WorkspaceControl
    changes: Mapping[str, str]
    project_ids: dict[str, str] = field(default_factory=dict)
    _now: datetime | None = None

    def now(self) -> datetime:
        """Return the time in the workspace, which stands still but for `advance`."""
        if self._now is None:
            self._now = self.control.now()
        return self._now

    def advance(self, until: datetime) -> None:
        """Move time."""
        self.control.advance(until=until)
        self._now = until


def import_all(loop: Loop, stage: Stage, *, sla_factor: float, miss_fraction: float) -> None:
    """Import every definition that qualifies, with a deadline from how long it takes today."""
    host = loop.host_of(stage.workspace)
    for entry in listed(loop.store, stage.workspace, host):
        if not entry.is_importable:
            continue
        definition_id = entry.definition.definition_id
        ended = [r for r in host.ended_runs(definition_id, None) if r.is_success]
        mean_s = fmean((r.ended_at - r.started_at).total_seconds() for r in ended)
        sla = Sla(mean_s * sla_factor, miss_fraction)
        intent = Intent(sla, is_auto_apply=True)
        project = adopt(loop, stage.workspace, definition_id, intent=intent)
        stage.project_ids[definition_id] = project.project_id


def live_through(loop: Loop, stage: Stage, *, until: datetime) -> None:
    """Move time in a workspace, and look after its projects, until a moment."""
    while stage.now() < until:
        stage.advance(min(until, stage.now() + STEP))
        for project_id in stage.project_ids.values():
            look_after(loop, project_id)


@dataclass(frozen=True, slots=True)
class TrueRun:
    """What one run really was, by the simulator's own books.

    Attributes:
        usd: what it really cost.
        duration_s: of the whole, from its request to its end.
        spot_loss_count: nodes that the cloud took away.
    """

    definition_id: str
    run_id: str
    requested_at: datetime
    usd: float
    duration_s: float
    is_success: bool
    spot_loss_count: int


def true_runs(control: WorkspaceControl, since: datetime) -> list[TrueRun]:
    """Return what the runs requested since a moment really were."""
    runs = (_true_run(truth) for truth in control.truths())
    return [run for run in runs if run.requested_at >= since]


def _true_run(truth: Mapping[str, Any]) -> TrueRun:
    requested_at = datetime.fromisoformat(truth["requested_at"])
    ended_at = datetime.fromisoformat(truth["ended_at"])
    return TrueRun(
        definition_id=str(truth["job_id"]),
        run_id=str(truth["run_id"]),
        requested_at=requested_at,
        usd=float(truth["total_usd"]),
        duration_s=(ended_at - requested_at).total_seconds(),
        is_success=truth["result"] == "SUCCESS",
        spot_loss_count=sum(each["spot_loss_count"] for each in truth["clusters"]),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """One project after a rehearsal.

    Attributes:
        view: the project as the product sees it.
        change: what was injected; empty for nothing.
        baseline_usd: mean cost of a run after the learning phase had the clusters stayed.
        usd: mean true cost of a run after the learning phase.
        in_time_count: runs under the loop that succeeded within the deadline, learning included.
        is_found: whether an injected change was found with its true cause within two of the runs
            that it touched; None where it touched none, as a spot storm may, or none was injected.
    """

    view: ProjectView
    change: str
    run_count: int
    learning_run_count: int
    baseline_usd: float | None
    usd: float | None
    in_time_count: int
    is_found: bool | None

    @property
    def saving_fraction(self) -> float | None:
        """How much cheaper a run became; below 0 where it became dearer."""
        if not self.baseline_usd or self.usd is None:
            return None
        return 1 - self.usd / self.baseline_usd


def outcomes(
    store: Store,
    stages: Sequence[Stage],
    alone: Mapping[str, Sequence[TrueRun]],
    *,
    changed_at: datetime,
) -> list[Outcome]:
    """Return what became of each project.

    Args:
        store: of the loop.
        stages: that were lived through.
        alone: by workspace, the runs of its twin that was left alone.
        changed_at: when the injected changes began.
    """
    found = []
    for stage in stages:
        baseline = _by_definition(alone[stage.workspace.name])
        truth = _by_definition(true_runs(stage.control, datetime.min.replace(tzinfo=UTC)))
        for definition_id, project_id in stage.project_ids.items():
            rows = _rows(store, project_id)
            found.append(
                _outcome(
                    stage,
                    rows,
                    truth=truth[definition_id],
                    baseline=baseline[definition_id],
                    changed_at=changed_at,
                )
            )
    return found


@dataclass(frozen=True, slots=True)
class _Rows:
    view: ProjectView
    executions: Sequence[Execution]
    runs: Mapping[str, Run]


def _rows(store: Store, project_id: str) -> _Rows:
    with store.transaction(read_only=True) as tx:
        runs = {run.run_id: run for run in tx.runs_of(project_id)}
        view = project_view(tx, tx.project(project_id))
        return _Rows(view, tx.executions_of(project_id), runs)


def _by_definition(runs: Sequence[TrueRun]) -> dict[str, list[TrueRun]]:
    found: dict[str, list[TrueRun]] = defaultdict(list)
    for run in runs:
        found[run.definition_id].append(run)
    return found


def _outcome(
    stage: Stage,
    rows: _Rows,
    *,
    truth: Sequence[TrueRun],
    baseline: Sequence[TrueRun],
    changed_at: datetime,
) -> Outcome:
    project = rows.view.project
    definition_id = project.origin.definition_id if project.origin else ""
    learned_at, learning = _end_of_learning(rows.executions)
    known = {execution.origin_run_id for execution in rows.executions}
    mine = [run for run in truth if run.run_id in known]
    deadline_s = project.sla.max_runtime_s if project.sla else float("inf")
    change = stage.changes.get(definition_id, "")
    return Outcome(
        view=rows.view,
        change=change,
        run_count=len(mine),
        learning_run_count=learning,
        baseline_usd=_mean_usd(baseline, learned_at),
        usd=_mean_usd(mine, learned_at),
        in_time_count=sum(r.is_success and r.duration_s <= deadline_s for r in mine),
        is_found=_is_found(rows, change, _touched(mine, change, changed_at)),
    )


def _end_of_learning(executions: Sequence[Execution]) -> tuple[datetime | None, int]:
    """Return the start of the first run after learning, and how many came before it."""
    for place, execution in enumerate(executions):
        if execution.phase is Phase.OPTIMIZING:
            later = executions[place + 1 :]
            return (later[0].started_at if later else None), place + 1
    return None, len(executions)


def _mean_usd(runs: Sequence[TrueRun], since: datetime | None) -> float | None:
    if since is None:
        return None
    usd = [run.usd for run in runs if run.requested_at >= since]
    return fmean(usd) if usd else None


_CAUSE_OF: Final = {
    "data": CauseOfDeviation.DATA,
    "code": CauseOfDeviation.CODE,
    "spot": CauseOfDeviation.SPOT,
}
# A change must be found in one of the first two runs that it touches.
_FOUND_WITHIN: Final = 2


def _touched(truth: Sequence[TrueRun], change: str, changed_at: datetime) -> set[str]:
    """Return the runs that an injected change touched; a storm touches who loses nodes."""
    after = [run for run in truth if change and run.requested_at >= changed_at]
    return {run.run_id for run in after if change != "spot" or run.spot_loss_count}


def _is_found(rows: _Rows, change: str, touched: Collection[str]) -> bool | None:
    if not touched:
        return None
    after = [e for e in rows.executions if e.origin_run_id in touched and e.run_ids]
    deviations = [rows.runs[i].deviation for e in after[:_FOUND_WITHIN] for i in e.run_ids]
    return any(d is not None and d.main_cause is _CAUSE_OF[change] for d in deviations)
