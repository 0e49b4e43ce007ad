"""A trial's needs in; a simulated workspace with a loop, a clock and controls, out."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from isocost.domain.workspace import Cloud, Workspace
from isocost.recommend.policy import Policy
from isocost.simulator.server.control import WorkspaceControl
from isocost.usecases.loop import Loop


class WorkspaceTime:
    """The time in a simulated workspace, which stands still but for what moves it."""

    def __init__(self, control: WorkspaceControl) -> None:
        self._control = control
        self._now: datetime | None = None

    def now(self) -> datetime:
        """Return the present moment; asked for once between two moves."""
        if self._now is None:
            self._now = self._control.now()
        return self._now

    def advance(self, until: datetime) -> None:
        """Move on."""
        self._now = datetime.fromisoformat(self._control.advance(until=until)["now"])

    def forget(self) -> None:
        """Ask again, after something else has moved it."""
        self._now = None


@dataclass(frozen=True, slots=True)
class Stand:
    """One simulated workspace, and a loop over it that keeps its rows in memory.

    Attributes:
        run_now: triggers a run of a definition over the API; the second text makes it one run
            however often it is asked for.
    """

    workspace: Workspace
    loop: Loop
    control: WorkspaceControl
    time: WorkspaceTime
    run_now: Callable[[str, str], object]


@dataclass(frozen=True, slots=True)
class StandPlan:
    """What a trial needs of its workspace."""

    cloud: Cloud
    seed: int
    policy: Policy


OpenStand = Callable[[StandPlan], AbstractContextManager[Stand]]
