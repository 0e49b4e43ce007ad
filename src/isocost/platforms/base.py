"""The port to whoever runs applications: asks for a run, answers with what really happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from isocost.domain.cluster import ClusterSpec, ClusterTimeline, NodeType


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One execution to carry out.

    Attributes:
        run_id: names the run's own directory; asking twice for one id starts it afresh.
        workload: one of the platform's `workloads()`.
    """

    run_id: str
    workload: str
    spec: ClusterSpec


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What happened between request and release of the cluster.

    Attributes:
        event_log: where the run's event log lies; a path the event-log reader takes.
        failure: None when the application succeeded, else what went wrong, with the last lines
            of Spark's own log.
    """

    started_at: datetime
    ended_at: datetime
    timeline: ClusterTimeline
    event_log: Path | None
    failure: str | None = None


class Platform(Protocol):
    """Runs workloads on clusters.

    Not thread-safe; a platform owns the directories and processes of its runs and leaves none of
    its processes behind, not even when it is killed.
    """

    @property
    def name(self) -> str:
        """The word that `--platform` takes."""
        ...

    def node_types(self) -> Sequence[NodeType]:
        """Return what can be rented here, cheapest first."""
        ...

    def capacity_cores(self) -> int:
        """Return how many cores all workers of one cluster may have together."""
        ...

    def capacity_gib(self) -> float:
        """Return how much memory all workers of one cluster may have together."""
        ...

    def workloads(self) -> Sequence[str]:
        """Return the names of all applications this platform can run, in display order."""
        ...

    def prepare(self, workloads: Sequence[str]) -> None:
        """Make whatever data the workloads need; cheap when it is there already.

        Raises:
            UnknownName: if a name is not one of `workloads()`.
            MissingDependency: if the platform's software is not installed.
        """
        ...

    def execute(self, request: RunRequest) -> RunOutcome:
        """Run to the end and return what happened, a failed application included.

        Raises:
            ClusterTooLarge: if this platform cannot run the cluster; nothing was started.
            UnknownName: if workload or node type do not exist.
            MissingDependency: if the platform's software is not installed.
        """
        ...
