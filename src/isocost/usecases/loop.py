"""What the closed loop on workspaces works with, and the names of its steps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from isocost.domain.cluster import ClusterTimeline
from isocost.domain.cost import CostBreakdown
from isocost.domain.profile import RunProfile
from isocost.domain.project import Origin, Project
from isocost.domain.workspace import Workspace
from isocost.errors import InternalError
from isocost.platforms.host import DefinedCluster, Definition, Host
from isocost.recommend.policy import Policy
from isocost.store.base import Store
from isocost.usecases.recommend import Offer


class LoopStep(StrEnum):
    """A point that the loop passes; the process may die at any of them and nothing is lost."""

    SET_UP_PLANNED = "set_up_planned"
    SET_UP_WRITTEN = "set_up_written"
    IMPORTED = "imported"
    LISTED = "listed"
    HEARD = "heard"
    GATHERED = "gathered"
    COLLECTED = "collected"
    READ = "read"
    INGESTED = "ingested"
    WEIGHED = "weighed"
    JUDGED = "judged"
    ADVISED = "advised"
    CONCLUDED = "concluded"
    CHANGE_PLANNED = "change_planned"
    CHANGE_WRITTEN = "change_written"
    CHANGE_CONFIRMED = "change_confirmed"


Tell = Callable[[LoopStep, str], None]
Now = Callable[[Workspace], datetime]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the loop waits for what comes late.

    Attributes:
        log_wait: after a run's end, for its event log; then it goes on without one.
        late_log: after a run's end, until when a log that comes still is taken in.
        first_pause, longest_pause: between two looks; each is twice the one before.
        most_looks: failures in a row after which a project is left alone until a person says so.
        unseen: how long a definition that no step asks for is taken to be there still.
    """

    # Databricks delivers logs every five minutes and once more after a cluster's end; three times
    # that, and some slack, is more than the delivery takes on a bad day.
    log_wait: timedelta = timedelta(minutes=20)
    late_log: timedelta = timedelta(days=2)
    first_pause: timedelta = timedelta(seconds=30)
    longest_pause: timedelta = timedelta(hours=1)
    most_looks: int = 12
    # One call more for every five that a poller asking once a minute makes anyway.
    unseen: timedelta = timedelta(minutes=5)

    def pause(self, attempt_count: int) -> timedelta:
        """Return how long to wait after so many attempts."""
        doubled = self.first_pause * float(2 ** min(attempt_count, 20))
        return min(self.longest_pause, doubled)


PATIENCE: Final = Patience()
# Baseline runs: enough that a slow day does not stand for the job, soon enough to begin.
BASELINE_RUNS: Final = 5


def _tell_nobody(_: LoopStep, __: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Loop:
    """What projects are looked after with.

    Attributes:
        host_of: opens a workspace; raises PlatformError.
        read_profile: reads the event log at a location of a workspace.
        price: says what a cluster cost at list rates; None where the catalog lacks a node type.
        offer_for: says what one cluster of a project may be.
        now_in: the present moment in a workspace; a simulated one has a clock of its own.
        tell: hears of each step, with the project's id.
        seen_at: by project, when its definition was last there though no step asked for it. It is
            of this process alone and changes; a lost entry costs one more call.
    """

    store: Store
    host_of: Callable[[Workspace], Host]
    read_profile: Callable[[Workspace, str], RunProfile]
    price: Callable[[Workspace, DefinedCluster, ClusterTimeline], CostBreakdown | None]
    offer_for: Callable[[Workspace, Project, DefinedCluster], Offer]
    policy: Policy
    now_in: Now
    tell: Tell = _tell_nobody
    patience: Patience = PATIENCE
    seen_at: dict[str, datetime] = field(default_factory=dict)

    def place_of(self, project: Project) -> "Place":
        """Return the project's workspace, opened; raises PlatformError."""
        origin = _origin_of(project)
        workspace = self._workspace(origin)
        return Place(
            workspace,
            self.host_of(workspace),
            definition_id=origin.definition_id,
            now_in=self.now_in,
        )

    def now_of(self, project: Project) -> datetime:
        """Return the present moment in the project's workspace, which need not answer for it."""
        return self.now_in(self._workspace(_origin_of(project)))

    def _workspace(self, origin: Origin) -> Workspace:
        with self.store.transaction(read_only=True) as tx:
            return tx.workspace(origin.workspace)


def _origin_of(project: Project) -> Origin:
    if project.origin is None:
        raise InternalError(
            f"Project {project.project_id} was not imported from a workspace. Please report this."
        )
    return project.origin


class Place:
    """Where one project is defined and runs; remembers the definition for one look at it."""

    def __init__(
        self, workspace: Workspace, host: Host, *, definition_id: str, now_in: Now
    ) -> None:
        self.workspace = workspace
        self.host = host
        self.definition_id = definition_id
        self._now_in = now_in
        self._definition: Definition | None = None

    def now(self) -> datetime:
        """Return the present moment there."""
        return self._now_in(self.workspace)

    @property
    def has_definition(self) -> bool:
        """Whether the definition was asked for in this look, and was there."""
        return self._definition is not None

    def definition(self, *, is_fresh: bool = False) -> Definition:
        """Return the definition as it stands, or as it stood when it was last asked for.

        Raises:
            NotFound: it is gone.
            PlatformError: the workspace refuses or cannot be reached.
        """
        if self._definition is None or is_fresh:
            self._definition = self.host.definition(self.definition_id)
        return self._definition
