"""The port to whoever remembers: transactions over workspaces, projects, runs and trials.

Within one transaction every read sees the writes before it; a transaction that raises leaves
nothing behind. Stores are safe to use from several threads and, for SQL, several processes.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from isocost.domain.change import Change
from isocost.domain.cluster import ClusterSpec
from isocost.domain.execution import Execution
from isocost.domain.experiment import Experiment, Trial, TrialState
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation, RecommendationState
from isocost.domain.run import Run
from isocost.domain.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Tally:
    """How many executions a project has.

    Attributes:
        execution_count: all that were heard of: one more than the highest ordinal.
        met_count: those that succeeded within its maximum runtime; 0 without an SLA.
    """

    execution_count: int = 0
    met_count: int = 0


@dataclass(frozen=True, slots=True)
class ExecutionCost:
    """What one execution cost.

    Attributes:
        cost_usd: list cost of all its runs; None before it has any, and where that of one is not
            known.
    """

    execution_id: str
    ordinal: int
    cost_usd: float | None


class Transaction(Protocol):
    """What can be read and written; `put_*` inserts or replaces by id.

    Every `get` by id raises NotFound, with what there is instead, when the id is unknown. Those
    that take many ids leave unknown ones out, and those that tell of each project leave out the
    projects of which there is nothing to tell. What takes `newest` costs what it returns, however
    long the project.
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

    def executions(self, execution_ids: Collection[str]) -> Mapping[str, Execution]:
        """Return executions by id."""
        ...

    def newest_execution_of_each(
        self, project_ids: Collection[str], *, is_failed: bool = False
    ) -> Mapping[str, Execution]:
        """Return each project's execution of the highest ordinal, of all or of those failed."""
        ...

    def newest_costs_of_each(
        self, project_ids: Collection[str], *, newest: int
    ) -> Mapping[str, Sequence[ExecutionCost]]:
        """Return the newest few concluded executions that succeeded, of each, by ordinal."""
        ...

    def costs_of(self, execution_ids: Collection[str]) -> Mapping[str, ExecutionCost]:
        """Return what executions cost, by id."""
        ...

    def tallies(self, project_ids: Collection[str]) -> Mapping[str, Tally]:
        """Return how many executions each project has; costs as much as there are missed ones."""
        ...

    def put_change(self, change: Change) -> None:
        """Remember a change; its project must be known."""
        ...

    def change(self, change_id: str) -> Change:
        """Return one change."""
        ...

    def changes_of(
        self, project_id: str, *, newest: int | None = None, is_planned: bool = False
    ) -> Sequence[Change]:
        """Return a project's changes, oldest first, the newest few or those still planned only."""
        ...

    def newest_change_of_each(self, project_ids: Collection[str]) -> Mapping[str, Change]:
        """Return the change of each project that was planned last."""
        ...

    def change_count(self, project_id: str) -> int:
        """Return how many changes a project has."""
        ...

    def put_run(self, run: Run) -> None:
        """Remember a run; its project must be known."""
        ...

    def run(self, run_id: str) -> Run:
        """Return one run."""
        ...

    def runs(self, run_ids: Collection[str]) -> Mapping[str, Run]:
        """Return runs by id."""
        ...

    def runs_of(
        self, project_id: str, *, newest: int | None = None, cluster_key: str | None = None
    ) -> Sequence[Run]:
        """Return a project's runs by ordinal and id, or the newest few, of all or one cluster."""
        ...

    def runs_elsewhere(
        self, project_id: str, cluster_key: str, *, not_on: ClusterSpec, newest: int
    ) -> Sequence[Run]:
        """Return the newest runs of a cluster that were asked for on other specs, by ordinal."""
        ...

    def first_run_elsewhere(
        self, project_id: str, cluster_key: str, *, not_on: ClusterSpec
    ) -> Run | None:
        """Return the first run of a cluster that was asked for on another spec."""
        ...

    def newest_explained_run_of_each(self, project_ids: Collection[str]) -> Mapping[str, Run]:
        """Return each project's newest run whose deviation has a main cause."""
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

    def profiles(self, run_ids: Collection[str]) -> Mapping[str, RunProfile]:
        """Return the profiles of runs that have one, by run id."""
        ...

    def put_recommendation(self, recommendation: Recommendation) -> None:
        """Remember a recommendation; its project and parent run must be known."""
        ...

    def recommendation(self, recommendation_id: str) -> Recommendation:
        """Return one recommendation."""
        ...

    def recommendations(self, recommendation_ids: Collection[str]) -> Mapping[str, Recommendation]:
        """Return recommendations by id."""
        ...

    def recommended_specs(self, recommendation_ids: Collection[str]) -> Mapping[str, ClusterSpec]:
        """Return what was recommended, by id, without reading the evidence for it."""
        ...

    def recommendations_of(
        self,
        project_id: str,
        *,
        newest: int | None = None,
        states: Collection[RecommendationState] | None = None,
    ) -> Sequence[Recommendation]:
        """Return a project's recommendations, oldest first, or the newest few in some states."""
        ...

    def newest_recommendations(
        self, count: int, *, states: Collection[RecommendationState] | None = None
    ) -> Sequence[Recommendation]:
        """Return what was drafted last for imported projects, in some states, newest first."""
        ...

    def recommendation_count(self, parent_run_id: str) -> int:
        """Return how many recommendations were made after a run."""
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

    def trial(self, trial_id: str) -> Trial:
        """Return one trial."""
        ...

    def trials_of(self, experiment: str) -> Sequence[Trial]:
        """Return an experiment's trials by ordinal."""
        ...

    def trial_counts(self, experiment: str) -> Mapping[TrialState, int]:
        """Return how many of an experiment's trials are in each state that some are in."""
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
