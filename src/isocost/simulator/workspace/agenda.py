"""What will happen at which moment, in order of time and then of entry."""

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

Action = Callable[[], None]


class Agenda:
    """Actions by due time."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, int, Action]] = []
        self._numbers = count()

    def add(self, at: datetime, action: Action) -> None:
        """Have an action carried out once it is `at`."""
        heapq.heappush(self._entries, (at, next(self._numbers), action))

    def pop_due(self, until: datetime) -> tuple[datetime, Action] | None:
        """Return and forget the first action due by `until`, with its due time."""
        if not self._entries or self._entries[0][0] > until:
            return None
        at, _, action = heapq.heappop(self._entries)
        return at, action
