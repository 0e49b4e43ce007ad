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
class MeasuredRun:
    """What a platform without event logs measured of one application from outside.

    Attributes:
        runtime_s: of the application; of a failed or stopped one until then.
        input_bytes: how much it read; None where nobody measured.
        working_set_gib: memory in which all that it caches and shuffles fits, over all nodes; 0.0
            where more memory is known not to help, None where nothing is known.
    """

    runtime_s: float
    input_bytes: float | None = None
    working_set_gib: float | None = None


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What happened between request and release of the cluster.

    A run that succeeded has an event log, or was measured, or both; the event log counts then.

    Attributes:
        event_log: where the run's event log lies; a path the event-log reader takes.
        failure: None when the application succeeded, else what went wrong, with the last lines
            of Spark's own log.
        measured: what the platform itself measured of the application.
        is_timed_out: a failure that is none of the application: it was stopped.
    """

    started_at: datetime
    ended_at: datetime
    timeline: ClusterTimeline
    event_log: Path | None
    failure: str | None = None
    measured: MeasuredRun | None = None
    is_timed_out: bool = False


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
            NotFound: if this platform repeats recorded runs and has none of this cluster.
            MissingDependency: if the platform's software is not installed.
        """
        ...
