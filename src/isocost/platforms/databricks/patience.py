"""An address, a token and so many seconds in; the SDK's client, which takes no longer, out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import Final

from databricks.sdk import WorkspaceClient
from databricks.sdk.clock import RealClock
from databricks.sdk.config import Config

from isocost.clock import monotonic_s

# The SDK's constructor asks the host about itself and does without if nobody answers. It gets a
# sixth of the time; the rest is the call's, less the second or two that the SDK rests in between.
_PROBE_FRACTION: Final = 1 / 6
_ANSWER_FRACTION: Final = 3 / 4
_LEAST_PROBE_S: Final = 1
# The constructor's second attempt would come after its time.
_PROBE_RETRY_S: Final = 1


@dataclass(slots=True)
class _Limit:
    """How long a call may take, and where it stands; moments are monotonic, in seconds."""

    began_at_s: float
    patience_s: float
    attempt_at_s: float
    is_over: bool = False

    @property
    def left_s(self) -> float:
        return self.began_at_s + self.patience_s - monotonic_s()

    @property
    def is_unanswered(self) -> bool:
        """Whether the last attempt took all the time that there is for an answer."""
        return monotonic_s() - self.attempt_at_s >= self.patience_s * _ANSWER_FRACTION


class PatientClock(RealClock):
    """Ends the SDK's attempts when a call's time is up. Thread-safe: each thread has its calls.

    The SDK adds its limits up: of an attempt, of the attempts, and the same of its constructor. It
    asks the clock for the time before each attempt and rests by it after, so that here is where
    all of them become one.
    """

    def __init__(self, longest_pause_s: float) -> None:
        """Prepare; never rests longer than a limit, whatever a `Retry-After` asks."""
        self._longest_pause_s = longest_pause_s
        self._here = threading.local()

    @contextmanager
    def limit(self, patience_s: float) -> Iterator[None]:
        """Bound what this thread asks while the block lasts; an attempt under way is let end."""
        now_s = monotonic_s()
        around = self._limit()
        self._here.limit = _Limit(now_s, patience_s, now_s)
        try:
            yield
        finally:
            self._here.limit = around

    def spent_s(self) -> float:
        """Return how long the call under way has taken, in seconds; 0 outside of one."""
        limit = self._limit()
        return 0.0 if limit is None else monotonic_s() - limit.began_at_s

    def time(self) -> float:
        """Return the time; past all limits once the call's is up."""
        limit = self._limit()
        if limit is None:
            return super().time()
        limit.attempt_at_s = monotonic_s()
        return inf if limit.is_over else super().time()

    def sleep(self, seconds: float) -> None:
        """Rest within the limits; not at all after an attempt that nobody answered."""
        pause_s = min(seconds, self._longest_pause_s)
        limit = self._limit()
        if limit is None:
            super().sleep(pause_s)
            return
        if not limit.is_unanswered:
            super().sleep(max(0.0, min(pause_s, limit.left_s)))
        limit.is_over = limit.is_unanswered or limit.left_s <= 0

    def _limit(self) -> _Limit | None:
        return getattr(self._here, "limit", None)


def client_of(host: str, token: str, *, patience_s: int, clock: PatientClock) -> WorkspaceClient:
    """Return the SDK's client; asks the host about itself, for a sixth of the patience at most.

    Raises:
        ValueError: the SDK finds address or token wrong.
    """
    config = Config(
        host=host,
        token=token,
        auth_type="pat",
        retry_timeout_seconds=_PROBE_RETRY_S,
        http_timeout_seconds=max(_LEAST_PROBE_S, patience_s * _PROBE_FRACTION),
        product="isocost",
        clock=clock,
    )
    config.retry_timeout_seconds = patience_s
    config.http_timeout_seconds = patience_s * _ANSWER_FRACTION
    return WorkspaceClient(config=config)
