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
    views_of,
)

# Three months of a daily run; as many bars as can still be told apart on a screen.
RUNS_SHOWN: Final = 90
# As many as its table shows at most.
_RECOMMENDATIONS_SHOWN: Final = 60


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
        recommendations: by id; the newest ones, and those that runs and changes shown are of.
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
    changes = tx.changes_of(project_id, newest=newest)
    return ProjectHistory(
        view=view,
        baseline_name=baseline_name(view),
        executions=tuple(executions),
        recommendations=_recommendations(tx, project_id, executions, changes=changes),
        changes=tuple(changes),
        hidden_count=view.execution_count - len(executions),
    )


def _recommendations(
    tx: Transaction,
    project_id: str,
    executions: Sequence[ExecutionView],
    *,
    changes: Sequence[Change],
) -> Mapping[str, Recommendation]:
    newest = tx.recommendations_of(project_id, newest=_RECOMMENDATIONS_SHOWN)
    found = {r.recommendation_id: r for r in newest}
    ran_on = {run.recommendation_id for each in executions for run in each.runs}
    changed_to = {each for change in changes for each in change.recommendation_ids}
    older = {each for each in ran_on | changed_to if each is not None and each not in found}
    return {**tx.recommendations(older), **found}


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
        found = [ProjectSummary(view, baseline_name(view)) for view in views_of(tx, projects)]
    return sorted(found, key=lambda each: _order(each.view))


def baseline_name(view: ProjectView) -> str:
    """Return which runs savings are measured against, in a few words; empty without any."""
    ordinals = view.baseline_ordinals
    if not ordinals:
        return ""
    numbers = ", ".join(map(str, ordinals))
    if len(ordinals) > 2 and ordinals[-1] - ordinals[0] == len(ordinals) - 1:
        numbers = f"{ordinals[0]} to {ordinals[-1]}"
    return f"run {numbers}" if len(ordinals) == 1 else f"mean of runs {numbers}"


def _order(view: ProjectView) -> tuple[str, str, str]:
    return view.workspace, view.project.name, view.project.project_id
