"""A connection in; the store's transaction over it: nouns in, rows out, and back."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, func, select

from isocost.domain.change import Change, ChangeState
from isocost.domain.execution import Execution
from isocost.domain.experiment import Experiment, Trial, TrialState
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation, RecommendationState
from isocost.domain.run import Run
from isocost.domain.workspace import Workspace
from isocost.store.base import Transaction
from isocost.store.lookup import belongs_to_experiment, still_has_projects
from isocost.store.sql import tables
from isocost.store.sql._across import Across, text_of
from isocost.store.sql.database import Database


def transaction_over(
    connection: Connection, database: Database, *, read_only: bool
) -> Transaction:
    """Return the store's transaction on a connection of a database; see the port."""
    return _SqlTransaction(connection, database, read_only=read_only)


class _SqlTransaction(Across):
    def put_workspace(self, workspace: Workspace) -> None:
        self._put(tables.WORKSPACES, workspace, name=workspace.name)

    def workspace(self, name: str) -> Workspace:
        return self._get(tables.WORKSPACES.c.name, name, Workspace)

    def workspaces(self) -> Sequence[Workspace]:
        table = tables.WORKSPACES
        return self._all(select(table.c.body).order_by(table.c.name), Workspace)

    def remove_workspace(self, name: str) -> None:
        self.workspace(name)
        if self.imported_projects(name):
            raise still_has_projects(name)
        self._remove(tables.WORKSPACES, tables.WORKSPACES.c.name == name)

    def put_project(self, project: Project) -> None:
        workspace = None if project.origin is None else project.origin.workspace
        if workspace is not None:
            self.workspace(workspace)
        self._put(
            tables.PROJECTS,
            project,
            project_id=project.project_id,
            workspace=workspace,
            max_runtime_s=None if project.sla is None else project.sla.max_runtime_s,
        )

    def project(self, project_id: str) -> Project:
        return self._get(tables.PROJECTS.c.project_id, project_id, Project)

    def imported_projects(self, workspace: str | None = None) -> Sequence[Project]:
        table = tables.PROJECTS
        is_wanted = (
            table.c.workspace.is_not(None) if workspace is None else table.c.workspace == workspace
        )
        query = select(table.c.body).where(is_wanted).order_by(table.c.project_id)
        return self._all(query, Project)

    def remove_project(self, project_id: str) -> None:
        self.project(project_id)
        trials = select(tables.TRIALS.c.trial_id).where(tables.TRIALS.c.project_id == project_id)
        if self._connection.execute(trials.limit(1)).first() is not None:
            raise belongs_to_experiment(project_id)
        runs = select(tables.RUNS.c.run_id).where(tables.RUNS.c.project_id == project_id)
        self._remove(tables.PROFILES, tables.PROFILES.c.run_id.in_(runs))
        for table in (
            tables.RECOMMENDATIONS,
            tables.CHANGES,
            tables.EXECUTIONS,
            tables.RUNS,
            tables.PROJECTS,
        ):
            self._remove(table, table.c.project_id == project_id)

    def put_execution(self, execution: Execution) -> None:
        self.project(execution.project_id)
        self._put(
            tables.EXECUTIONS,
            execution,
            execution_id=execution.execution_id,
            project_id=execution.project_id,
            ordinal=execution.ordinal,
            is_open=not execution.is_over,
            is_success=execution.is_success,
            duration_s=execution.duration_s,
        )

    def execution(self, execution_id: str) -> Execution:
        return self._get(tables.EXECUTIONS.c.execution_id, execution_id, Execution)

    def executions_of(
        self, project_id: str, *, newest: int | None = None, is_open: bool = False
    ) -> Sequence[Execution]:
        table = tables.EXECUTIONS
        query = select(table.c.body).where(table.c.project_id == project_id)
        if is_open:
            query = query.where(table.c.is_open.is_(True))
        return self._newest(query, [table.c.ordinal], count=newest, noun=Execution)

    def put_change(self, change: Change) -> None:
        self.project(change.project_id)
        self._put(
            tables.CHANGES,
            change,
            change_id=change.change_id,
            project_id=change.project_id,
            state=change.state.value,
            planned_at=change.planned_at,
        )

    def change(self, change_id: str) -> Change:
        return self._get(tables.CHANGES.c.change_id, change_id, Change)

    def changes_of(
        self, project_id: str, *, newest: int | None = None, is_planned: bool = False
    ) -> Sequence[Change]:
        table = tables.CHANGES
        query = select(table.c.body).where(table.c.project_id == project_id)
        if is_planned:
            query = query.where(table.c.state == ChangeState.PLANNED.value)
        order = [table.c.planned_at, table.c.change_id]
        return self._newest(query, order, count=newest, noun=Change)

    def put_run(self, run: Run) -> None:
        self.project(run.project_id)
        self._put(
            tables.RUNS,
            run,
            run_id=run.run_id,
            project_id=run.project_id,
            ordinal=run.ordinal,
            state=run.state.value,
            requested_at=run.requested_at,
            cluster_key=run.cluster_key,
            asked=None if run.asked_spec is None else text_of(run.asked_spec),
            execution_id=run.execution_id,
            cost_usd=None if run.cost is None else run.cost.total_usd,
            is_explained=run.deviation is not None and run.deviation.main_cause is not None,
        )

    def run(self, run_id: str) -> Run:
        return self._get(tables.RUNS.c.run_id, run_id, Run)

    def runs_of(
        self, project_id: str, *, newest: int | None = None, cluster_key: str | None = None
    ) -> Sequence[Run]:
        table = tables.RUNS
        query = select(table.c.body).where(table.c.project_id == project_id)
        if cluster_key is not None:
            query = query.where(table.c.cluster_key == cluster_key)
        return self._newest(query, [table.c.ordinal, table.c.run_id], count=newest, noun=Run)

    def newest_runs(self, count: int) -> Sequence[Run]:
        table = tables.RUNS
        newest_first = (table.c.requested_at.desc(), table.c.run_id.desc())
        return self._all(select(table.c.body).order_by(*newest_first).limit(count), Run)

    def newest_run_of_each(self) -> Sequence[Run]:
        projects, runs = tables.PROJECTS, tables.RUNS
        # By a subquery for each project, which reads one entry of the index; grouping all runs
        # would read them all.
        others = runs.alias()
        newest = (
            select(others.c.run_id)
            .where(others.c.project_id == projects.c.project_id)
            .order_by(others.c.ordinal.desc(), others.c.run_id.desc())
            .limit(1)
            .scalar_subquery()
        )
        found = select(runs.c.body).select_from(projects).join(runs, runs.c.run_id == newest)
        imported = found.where(projects.c.workspace.is_not(None))
        return self._all(imported.order_by(projects.c.project_id), Run)

    def put_profile(self, run_id: str, profile: RunProfile) -> None:
        self.run(run_id)
        self._put(tables.PROFILES, profile, run_id=run_id)

    def profile(self, run_id: str) -> RunProfile:
        return self._get(tables.PROFILES.c.run_id, run_id, RunProfile)

    def profiles(self, run_ids: Collection[str]) -> Mapping[str, RunProfile]:
        return self._by_key(tables.PROFILES.c.run_id, run_ids, RunProfile)

    def put_recommendation(self, recommendation: Recommendation) -> None:
        self.project(recommendation.project_id)
        self.run(recommendation.parent_run_id)
        self._put(
            tables.RECOMMENDATIONS,
            recommendation,
            recommendation_id=recommendation.recommendation_id,
            project_id=recommendation.project_id,
            parent_run_id=recommendation.parent_run_id,
            state=recommendation.state.value,
            drafted_at=recommendation.drafted_at,
        )

    def recommendation(self, recommendation_id: str) -> Recommendation:
        key = tables.RECOMMENDATIONS.c.recommendation_id
        return self._get(key, recommendation_id, Recommendation)

    def recommendations_of(
        self,
        project_id: str,
        *,
        newest: int | None = None,
        states: Collection[RecommendationState] | None = None,
    ) -> Sequence[Recommendation]:
        table = tables.RECOMMENDATIONS
        query = select(table.c.body).where(table.c.project_id == project_id)
        if states is not None:
            query = query.where(table.c.state.in_(sorted(state.value for state in states)))
        order = [table.c.drafted_at, table.c.recommendation_id]
        return self._newest(query, order, count=newest, noun=Recommendation)

    def put_experiment(self, experiment: Experiment) -> None:
        self._put(
            tables.EXPERIMENTS,
            experiment,
            name=experiment.name,
            created_at=experiment.created_at,
        )

    def experiment(self, name: str) -> Experiment:
        return self._get(tables.EXPERIMENTS.c.name, name, Experiment)

    def experiments(self) -> Sequence[Experiment]:
        table = tables.EXPERIMENTS
        query = select(table.c.body).order_by(table.c.created_at, table.c.name)
        return self._all(query, Experiment)

    def put_trial(self, trial: Trial) -> None:
        self.experiment(trial.experiment)
        self.project(trial.project_id)
        self._put(
            tables.TRIALS,
            trial,
            trial_id=trial.trial_id,
            experiment=trial.experiment,
            project_id=trial.project_id,
            ordinal=trial.ordinal,
            state=trial.state.value,
        )

    def trial(self, trial_id: str) -> Trial:
        return self._get(tables.TRIALS.c.trial_id, trial_id, Trial)

    def trials_of(self, experiment: str) -> Sequence[Trial]:
        query = select(tables.TRIALS.c.body).where(tables.TRIALS.c.experiment == experiment)
        return self._all(query.order_by(tables.TRIALS.c.ordinal), Trial)

    def trial_counts(self, experiment: str) -> Mapping[TrialState, int]:
        state = tables.TRIALS.c.state
        counted = select(state, func.count()).where(tables.TRIALS.c.experiment == experiment)
        rows = self._connection.execute(counted.group_by(state))
        return {TrialState(name): found for name, found in rows}
