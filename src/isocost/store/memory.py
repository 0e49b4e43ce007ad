"""A store in this process's memory: for tests, simulations and anything not worth a file."""

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from isocost.domain.change import Change, ChangeState
from isocost.domain.execution import Execution
from isocost.domain.experiment import Experiment, Trial, TrialState
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation, RecommendationState
from isocost.domain.run import Run
from isocost.domain.workspace import Workspace
from isocost.store._memory_across import Across, Tables, Value, newest_few
from isocost.store.base import Transaction
from isocost.store.lookup import belongs_to_experiment, not_found, still_has_projects
from isocost.store.nesting import NoNesting, write_refused


class MemoryStore:
    """Keeps every noun in a dictionary; one transaction at a time."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._lock = threading.Lock()
        self._nesting = NoNesting()

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[Transaction]:
        """Open a transaction on a copy, which becomes the store on a clean exit."""
        with self._nesting.entered():
            if (
                read_only
            ):  # nobody changes tables in place, so those of now can be read as they are
                yield _MemoryTransaction(self._tables, read_only=True)
                return
            with self._lock:
                draft = self._tables.copy()
                yield _MemoryTransaction(draft, read_only=False)
                self._tables = draft

    def close(self) -> None:
        """Do nothing: memory needs no release."""


class _MemoryTransaction(Across):
    def put_workspace(self, workspace: Workspace) -> None:
        self._put(self._tables.workspaces, workspace.name, workspace)

    def workspace(self, name: str) -> Workspace:
        return _get(self._tables.workspaces, name, "workspace")

    def workspaces(self) -> Sequence[Workspace]:
        return sorted(self._tables.workspaces.values(), key=lambda w: w.name)

    def remove_workspace(self, name: str) -> None:
        self.workspace(name)
        if self.imported_projects(name):
            raise still_has_projects(name)
        self._remove(self._tables.workspaces, [name])

    def put_project(self, project: Project) -> None:
        if project.origin is not None:
            self.workspace(project.origin.workspace)
        self._put(self._tables.projects, project.project_id, project)

    def project(self, project_id: str) -> Project:
        return _get(self._tables.projects, project_id, "project")

    def imported_projects(self, workspace: str | None = None) -> Sequence[Project]:
        imported = (p for p in self._tables.projects.values() if p.origin is not None)
        return sorted(
            (p for p in imported if p.origin and workspace in {None, p.origin.workspace}),
            key=lambda p: p.project_id,
        )

    def remove_project(self, project_id: str) -> None:
        self.project(project_id)
        tables = self._tables
        if any(t.project_id == project_id for t in tables.trials.values()):
            raise belongs_to_experiment(project_id)
        runs = {r.run_id for r in tables.runs.values() if r.project_id == project_id}
        self._remove(tables.profiles, runs)
        self._remove(tables.recommendations, _ids_of(tables.recommendations, project_id))
        self._remove(tables.changes, _ids_of(tables.changes, project_id))
        self._remove(tables.executions, _ids_of(tables.executions, project_id))
        self._remove(tables.runs, runs)
        self._remove(tables.projects, [project_id])

    def put_execution(self, execution: Execution) -> None:
        self.project(execution.project_id)
        self._put(self._tables.executions, execution.execution_id, execution)

    def execution(self, execution_id: str) -> Execution:
        return _get(self._tables.executions, execution_id, "execution")

    def executions_of(
        self, project_id: str, *, newest: int | None = None, is_open: bool = False
    ) -> Sequence[Execution]:
        all_of = (e for e in self._tables.executions.values() if e.project_id == project_id)
        found = sorted((e for e in all_of if not (is_open and e.is_over)), key=lambda e: e.ordinal)
        return newest_few(found, newest)

    def put_change(self, change: Change) -> None:
        self.project(change.project_id)
        self._put(self._tables.changes, change.change_id, change)

    def change(self, change_id: str) -> Change:
        return _get(self._tables.changes, change_id, "change")

    def changes_of(
        self, project_id: str, *, newest: int | None = None, is_planned: bool = False
    ) -> Sequence[Change]:
        all_of = (c for c in self._tables.changes.values() if c.project_id == project_id)
        found = (c for c in all_of if not is_planned or c.state is ChangeState.PLANNED)
        return newest_few(sorted(found, key=lambda c: (c.planned_at, c.change_id)), newest)

    def put_run(self, run: Run) -> None:
        self.project(run.project_id)
        self._put(self._tables.runs, run.run_id, run)

    def run(self, run_id: str) -> Run:
        return _get(self._tables.runs, run_id, "run")

    def runs_of(
        self, project_id: str, *, newest: int | None = None, cluster_key: str | None = None
    ) -> Sequence[Run]:
        mine = (r for r in self._tables.runs.values() if r.project_id == project_id)
        runs = (r for r in mine if cluster_key in {None, r.cluster_key})
        return newest_few(sorted(runs, key=lambda r: (r.ordinal, r.run_id)), newest)

    def newest_runs(self, count: int) -> Sequence[Run]:
        runs = self._tables.runs.values()
        return sorted(runs, key=lambda r: (r.requested_at, r.run_id), reverse=True)[:count]

    def newest_run_of_each(self) -> Sequence[Run]:
        return [
            run
            for project in self.imported_projects()
            for run in self.runs_of(project.project_id, newest=1)
        ]

    def put_profile(self, run_id: str, profile: RunProfile) -> None:
        self.run(run_id)
        self._put(self._tables.profiles, run_id, profile)

    def profile(self, run_id: str) -> RunProfile:
        return _get(self._tables.profiles, run_id, "profile of run")

    def profiles(self, run_ids: Collection[str]) -> Mapping[str, RunProfile]:
        profiles = self._tables.profiles
        return {run_id: profiles[run_id] for run_id in run_ids if run_id in profiles}

    def put_recommendation(self, recommendation: Recommendation) -> None:
        self.project(recommendation.project_id)
        self.run(recommendation.parent_run_id)
        self._put(self._tables.recommendations, recommendation.recommendation_id, recommendation)

    def recommendation(self, recommendation_id: str) -> Recommendation:
        return _get(self._tables.recommendations, recommendation_id, "recommendation")

    def recommendations_of(
        self,
        project_id: str,
        *,
        newest: int | None = None,
        states: Collection[RecommendationState] | None = None,
    ) -> Sequence[Recommendation]:
        all_of = (r for r in self._tables.recommendations.values() if r.project_id == project_id)
        found = (r for r in all_of if states is None or r.state in states)
        ordered = sorted(found, key=lambda r: (r.drafted_at, r.recommendation_id))
        return newest_few(ordered, newest)

    def put_experiment(self, experiment: Experiment) -> None:
        self._put(self._tables.experiments, experiment.name, experiment)

    def experiment(self, name: str) -> Experiment:
        return _get(self._tables.experiments, name, "experiment")

    def experiments(self) -> Sequence[Experiment]:
        return sorted(self._tables.experiments.values(), key=lambda e: (e.created_at, e.name))

    def put_trial(self, trial: Trial) -> None:
        self.experiment(trial.experiment)
        self.project(trial.project_id)
        self._put(self._tables.trials, trial.trial_id, trial)

    def trial(self, trial_id: str) -> Trial:
        return _get(self._tables.trials, trial_id, "trial")

    def trials_of(self, experiment: str) -> Sequence[Trial]:
        trials = (t for t in self._tables.trials.values() if t.experiment == experiment)
        return sorted(trials, key=lambda t: t.ordinal)

    def trial_counts(self, experiment: str) -> Mapping[TrialState, int]:
        return Counter(trial.state for trial in self.trials_of(experiment))

    def _put(self, table: dict[str, Value], key: str, value: Value) -> None:
        if self._is_read_only:
            raise write_refused(type(value).__name__)
        table[key] = value

    def _remove(self, table: dict[str, Value], keys: Iterable[str]) -> None:
        if self._is_read_only:
            raise write_refused("removal")
        for key in keys:
            table.pop(key, None)


def _ids_of(
    table: Mapping[str, Recommendation | Change | Execution], project_id: str
) -> list[str]:
    return [key for key, value in table.items() if value.project_id == project_id]


def _get(table: Mapping[str, Value], key: str, noun: str) -> Value:
    value = table.get(key)
    if value is None:
        raise not_found(noun, key, list(table))
    return value
