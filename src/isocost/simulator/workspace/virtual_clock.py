"""The workspace's own time: stands still until it is moved, or runs at a chosen speed-up."""

from datetime import datetime, timedelta

from isocost import clock


class VirtualClock:
    """A clock that never goes back; its owner carries out what falls due before moving it.

    Attributes:
        now: the present moment in the workspace.
        speed_up: virtual seconds for each real one; 0 stands still between moves.
    """

    def __init__(self, start_at: datetime, *, speed_up: float = 0.0) -> None:
        self.now = start_at
        self.speed_up = speed_up
        self._anchor_at = start_at
        self._anchor_s = clock.monotonic_s()

    def wanted(self) -> datetime:
        """Return what the time should be by now, given the speed-up."""
        if self.speed_up <= 0:
            return self.now
        elapsed_s = clock.monotonic_s() - self._anchor_s
        return max(self.now, self._anchor_at + timedelta(seconds=elapsed_s * self.speed_up))

    def move_to(self, at: datetime) -> None:
        """Make it `at`, unless it is later already."""
        self.now = max(self.now, at)

    def jump_to(self, at: datetime) -> None:
        """Make it `at`, and let the speed-up go on from there."""
        self.move_to(at)
        self._anchor_at, self._anchor_s = self.now, clock.monotonic_s()
