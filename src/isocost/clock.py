"""The one place that reads the time; everything else is told `now`."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Return seconds from an arbitrary start that never go backwards; for measuring durations."""
    return time.monotonic()


def rest(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)
