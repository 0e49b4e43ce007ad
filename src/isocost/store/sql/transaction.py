"""A connection in; the store's transaction over it: nouns in, rows out, and back."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, delete, select
from sqlalchemy import Table as SqlTable

from isocost.domain.change import Change, ChangeState
from isocost.domain.execution import Execution
from isocost.domain.experiment import Experiment, Trial
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run
from isocost.domain.workspace import Workspace
from isocost.errors import InvalidInput
from isocost.store.base import Transaction
from isocost.store.lookup import belongs_to_experiment, not_found, still_has_projects
from isocost.store.nesting import write_refused
from isocost.store.sql import tables
from isocost.store.sql.database import Database

Value = TypeVar("Value")


def transaction_over(
    connection: Connection, database: Database, *, read_only: bool
) -> Transaction:
    """Return the store's transaction on a connection of a database; see the port."""
    return _SqlTransaction(connection, database, read_only=read_only)


class _SqlTransaction:
    def __init__(self, connection: Connection, database: Database, *, read_only: bool) -> None:
        self._connection = connection
        self._database = database
        self._is_read_only = read_only

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
        self._put(tables.PROJECTS, project, project_id=project.project_id, workspace=workspace)

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
        )

    def execution(self, execution_id: str) -> Execution:
        return self._get(tables.EXECUTIONS.c.execution_id, execution_id, Execution)

    def executions_of(
        self, project_id: str, *, newest: int | None = None, is_open: bool = False
    ) -> Sequence[Execution]:
        table = tables.EXECUTIONS
        query = select(table.c.body).where(table.c.project_id == project_id)
        if is_open:
            query = query.where(table.c.is_open)
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

    def changes_of(self, project_id: str, *, is_planned: bool = False) -> Sequence[Change]:
        table = tables.CHANGES
        query = select(table.c.body).where(table.c.project_id == project_id)
        if is_planned:
            query = query.where(table.c.state == ChangeState.PLANNED.value)
        return self._all(query.order_by(table.c.planned_at, table.c.change_id), Change)

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
        )

    def run(self, run_id: str) -> Run:
        return self._get(tables.RUNS.c.run_id, run_id, Run)

    def runs_of(self, project_id: str, *, newest: int | None = None) -> Sequence[Run]:
        table = tables.RUNS
        query = select(table.c.body).where(table.c.project_id == project_id)
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
        self, project_id: str, *, newest: int | None = None
    ) -> Sequence[Recommendation]:
        table = tables.RECOMMENDATIONS
        query = select(table.c.body).where(table.c.project_id == project_id)
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

    def _put(self, table: SqlTable, value: object, **columns: object) -> None:
        if self._is_read_only:
            raise write_refused(type(value).__name__)
        row = {**columns, "body": msgspec.json.encode(value)}
        self._connection.execute(self._database.upsert(table, row))

    def _remove(self, table: SqlTable, is_meant: ColumnElement[bool]) -> None:
        if self._is_read_only:
            raise write_refused("removal")
        self._connection.execute(delete(table).where(is_meant))

    def _newest(
        self,
        query: Any,  # noqa: ANN401  Select is generic in its row
        order: Sequence[Column[Any]],
        *,
        count: int | None,
        noun: type[Value],
    ) -> list[Value]:
        """Return what is found in order; of that the last `count`, if it is given."""
        if count is None:
            return self._all(query.order_by(*order), noun)
        newest_first = query.order_by(*(column.desc() for column in order)).limit(count)
        return self._all(newest_first, noun)[::-1]

    def _get(self, key: Column[str], wanted: str, noun: type[Value]) -> Value:
        body = key.table.c.body
        found = self._connection.execute(select(body).where(key == wanted)).scalar_one_or_none()
        if found is None:
            raise not_found(_NOUNS[noun], wanted, self._keys(key))
        return self._decoded(found, noun)

    def _keys(self, key: Column[str]) -> list[str]:
        return [row[0] for row in self._connection.execute(select(key).limit(_KEYS_SHOWN))]

    def _all(self, query: Any, noun: type[Value]) -> list[Value]:  # noqa: ANN401  Select is generic in its row
        return [self._decoded(row[0], noun) for row in self._connection.execute(query)]

    def _decoded(self, body: bytes, noun: type[Value]) -> Value:
        try:
            return msgspec.json.decode(body, type=noun)
        except (msgspec.DecodeError, UnicodeDecodeError, InvalidInput) as error:
            # InvalidInput is what our values raise when they check themselves.
            raise InvalidInput(
                f"A {noun.__name__} stored in {self._database.name} cannot be read: {error}. It "
                "is damaged or was written by another version of Isocost. Use that version, put a "
                f"good copy in its place, or {self._database.elsewhere}."
            ) from error


_KEYS_SHOWN: Final = 1000  # enough to find a near miss in; an error message needs no full scan
_NOUNS: Final[dict[type, str]] = {
    Workspace: "workspace",
    Project: "project",
    Execution: "execution",
    Recommendation: "recommendation",
    Run: "run",
    RunProfile: "profile of run",
    Experiment: "experiment",
    Trial: "trial",
}
