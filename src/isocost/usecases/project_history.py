"""A stored project in; all that a page about it tells of its runs, out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from isocost.domain.change import Change, ChangeKind
from isocost.domain.execution import Execution
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run
from isocost.store.base import Store, Transaction
from isocost.usecases.project_view import (
    ExecutionView,
    ProjectView,
    execution_views,
    project_view,
)

# Three months of a daily run; as many bars as can still be told apart on a screen.
RUNS_SHOWN: Final = 90


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """One project as a table shows it.

    Attributes:
        baseline_name: what savings are measured against, in a few words; empty without one.
    """

    view: ProjectView
    baseline_name: str


@dataclass(frozen=True, slots=True)
class ProjectHistory:
    """One project with its newest runs and what was decided about them.

    Attributes:
        baseline_name: what savings are measured against, in a few words; empty without one.
        executions: the newest ones, oldest first.
        recommendations: by id; those that runs shown were started on, and newer ones.
        changes: the newest ones, oldest first.
        hidden_count: executions before those shown.
    """

    view: ProjectView
    baseline_name: str
    executions: tuple[ExecutionView, ...]
    recommendations: Mapping[str, Recommendation]
    changes: tuple[Change, ...]
    hidden_count: int

    @property
    def anomalies(self) -> list[tuple[ExecutionView, Run]]:
        """The runs whose deviation has a known cause, the newest first."""
        return [
            (each, run)
            for each in reversed(self.executions)
            for run in each.runs
            if run.deviation is not None and run.deviation.main_cause is not None
        ]

    def execution_after(self, change: Change) -> Execution | None:
        """Return the first execution that started after a change was made; None so far."""
        at = change.made_at or change.planned_at
        later = [e.execution for e in self.executions if e.execution.started_at >= at]
        return min(later, key=lambda e: e.started_at, default=None)

    @property
    def turns(self) -> Sequence[Change]:
        """The changes that put other clusters in force."""
        kinds = {ChangeKind.APPLY, ChangeKind.ROLL_BACK}
        return [change for change in self.changes if change.kind in kinds]


def project_history(
    tx: Transaction, project_id: str, *, newest: int = RUNS_SHOWN
) -> ProjectHistory:
    """Return a project with its newest runs, or NotFound."""
    project = tx.project(project_id)
    view = project_view(tx, project)
    executions = execution_views(tx, project, newest=newest)
    recommendations = tx.recommendations_of(project_id, newest=2 * newest)
    return ProjectHistory(
        view=view,
        baseline_name=baseline_name(tx, view),
        executions=tuple(executions),
        recommendations={r.recommendation_id: r for r in recommendations},
        changes=tuple(tx.changes_of(project_id)[-newest:]),
        hidden_count=view.execution_count - len(executions),
    )


def project_histories(store: Store, *, newest: int = RUNS_SHOWN) -> list[ProjectHistory]:
    """Return all imported projects that are looked after, by workspace and name."""
    with store.transaction(read_only=True) as tx:
        projects = [p for p in tx.imported_projects() if not p.is_retired]
        found = [project_history(tx, p.project_id, newest=newest) for p in projects]
    return sorted(found, key=lambda each: _order(each.view))


def project_summaries(store: Store) -> list[ProjectSummary]:
    """Return the same projects without their runs."""
    with store.transaction(read_only=True) as tx:
        projects = [p for p in tx.imported_projects() if not p.is_retired]
        views = [project_view(tx, project) for project in projects]
        found = [ProjectSummary(view, baseline_name(tx, view)) for view in views]
    return sorted(found, key=lambda each: _order(each.view))


def baseline_name(tx: Transaction, view: ProjectView) -> str:
    """Return which runs savings are measured against, in a few words; empty without any."""
    ordinals = sorted(tx.execution(each).ordinal for each in view.baseline_ids)
    if not ordinals:
        return ""
    numbers = ", ".join(map(str, ordinals))
    if len(ordinals) > 2 and ordinals[-1] - ordinals[0] == len(ordinals) - 1:
        numbers = f"{ordinals[0]} to {ordinals[-1]}"
    return f"run {numbers}" if len(ordinals) == 1 else f"mean of runs {numbers}"


def _order(view: ProjectView) -> tuple[str, str, str]:
    return view.workspace, view.project.name, view.project.project_id
