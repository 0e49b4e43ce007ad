"""The port to whoever remembers: transactions over projects, runs, recommendations and trials.

Within one transaction every read sees the writes before it; a transaction that raises leaves
nothing behind. Stores are safe to use from several threads and, for SQL, several processes.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from isocost.domain.experiment import Experiment, Trial
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run


class Transaction(Protocol):
    """What can be read and written; `put_*` inserts or replaces by id.

    Every `get` by id raises NotFound, with what there is instead, when the id is unknown.
    """

    def put_project(self, project: Project) -> None:
        """Remember a project."""
        ...

    def project(self, project_id: str) -> Project:
        """Return one project."""
        ...

    def put_run(self, run: Run) -> None:
        """Remember a run; its project must be known."""
        ...

    def run(self, run_id: str) -> Run:
        """Return one run."""
        ...

    def runs_of(self, project_id: str) -> Sequence[Run]:
        """Return a project's runs by ordinal."""
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

    def recommendations_of(self, project_id: str) -> Sequence[Recommendation]:
        """Return a project's recommendations, oldest first."""
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
