"""The port to whoever remembers: transactions over workspaces, projects, runs and trials.

Within one transaction every read sees the writes before it; a transaction that raises leaves
nothing behind. Stores are safe to use from several threads and, for SQL, several processes.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from isocost.domain.change import Change
from isocost.domain.execution import Execution
from isocost.domain.experiment import Experiment, Trial
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run
from isocost.domain.workspace import Workspace


class Transaction(Protocol):
    """What can be read and written; `put_*` inserts or replaces by id.

    Every `get` by id raises NotFound, with what there is instead, when the id is unknown.
    """

    def put_workspace(self, workspace: Workspace) -> None:
        """Remember a workspace."""
        ...

    def workspace(self, name: str) -> Workspace:
        """Return one workspace."""
        ...

    def workspaces(self) -> Sequence[Workspace]:
        """Return all workspaces by name."""
        ...

    def remove_workspace(self, name: str) -> None:
        """Forget a workspace; its projects must have been removed."""
        ...

    def put_project(self, project: Project) -> None:
        """Remember a project; the workspace it came from, if any, must be known."""
        ...

    def project(self, project_id: str) -> Project:
        """Return one project."""
        ...

    def imported_projects(self, workspace: str | None = None) -> Sequence[Project]:
        """Return the projects that came from a workspace, or from any, by id; retired ones too."""
        ...

    def remove_project(self, project_id: str) -> None:
        """Forget a project with everything that belongs to it; not one of an experiment."""
        ...

    def put_execution(self, execution: Execution) -> None:
        """Remember an execution; its project must be known."""
        ...

    def execution(self, execution_id: str) -> Execution:
        """Return one execution."""
        ...

    def executions_of(
        self, project_id: str, *, newest: int | None = None, is_open: bool = False
    ) -> Sequence[Execution]:
        """Return a project's executions by ordinal, the newest few or those not over only."""
        ...

    def put_change(self, change: Change) -> None:
        """Remember a change; its project must be known."""
        ...

    def changes_of(self, project_id: str, *, is_planned: bool = False) -> Sequence[Change]:
        """Return a project's changes, oldest first; only those still planned if asked for."""
        ...

    def put_run(self, run: Run) -> None:
        """Remember a run; its project must be known."""
        ...

    def run(self, run_id: str) -> Run:
        """Return one run."""
        ...

    def runs_of(self, project_id: str, *, newest: int | None = None) -> Sequence[Run]:
        """Return a project's runs by ordinal and id, all or the newest few."""
        ...

    def newest_runs(self, count: int) -> Sequence[Run]:
        """Return the runs of all projects that were requested last, the newest first."""
        ...

    def newest_run_of_each(self) -> Sequence[Run]:
        """Return the run with the highest ordinal of each imported project, by project id."""
        ...

    def put_profile(self, run_id: str, profile: RunProfile) -> None:
        """Remember the profile of a known run."""
        ...

    def profile(self, run_id: str) -> RunProfile:
        """Return the profile of a run."""
        ...

    def put_recommendation(self, recommendation: Recommendation) -> None:
        """Remember a recommendation; its project and parent run must be known."""
        ...

    def recommendation(self, recommendation_id: str) -> Recommendation:
        """Return one recommendation."""
        ...

    def recommendations_of(
        self, project_id: str, *, newest: int | None = None
    ) -> Sequence[Recommendation]:
        """Return a project's recommendations, oldest first, all or the newest few."""
        ...

    def put_experiment(self, experiment: Experiment) -> None:
        """Remember an experiment."""
        ...

    def experiment(self, name: str) -> Experiment:
        """Return one experiment."""
        ...

    def experiments(self) -> Sequence[Experiment]:
        """Return all experiments, oldest first."""
        ...

    def put_trial(self, trial: Trial) -> None:
        """Remember a trial; its experiment and project must be known."""
        ...

    def trials_of(self, experiment: str) -> Sequence[Trial]:
        """Return an experiment's trials by ordinal."""
        ...


class Store(Protocol):
    """Opens transactions; `close` releases whatever it holds."""

    def transaction(self, *, read_only: bool = False) -> AbstractContextManager[Transaction]:
        """Open a transaction that commits on a clean exit and else leaves no trace.

        Args:
            read_only: sees the store as it was at its first read, waits for no writer and holds
                none up; a `put_*` in it raises InternalError.

        Raises:
            InternalError: if this thread has a transaction of this store open already.
        """
        ...

    def close(self) -> None:
        """Release files and connections; closing twice is fine."""
        ...
