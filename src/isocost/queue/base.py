"""The port to whoever does work later: named pieces of work in, each carried out once at a time.

A queue holds names, not facts: what is to be done, and whether it has been done, is told by rows
of the store. So work may be asked for twice, be begun by a process that dies and be begun again
by another, and nothing comes of it twice, as long as its handler looks at the rows first.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

# Enough for a fault of the surroundings to pass, given the growing pauses between: 5 minutes. Who
# put the work in may put it in again.
MOST_ATTEMPTS: Final = 10
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A piece of work by its name.

    Attributes:
        kind: who handles it.
        key: which one it is; no two of a kind and key wait, or are under way, at once.
        group: what it belongs to, to be counted and withdrawn by.
    """

    kind: str
    key: str
    group: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many items of a group nobody has begun, and how many are in somebody's hands."""

    waiting: int
    under_way: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing left to do."""
        return self.waiting == 0 and self.under_way == 0


# Carries out an item and returns when its results are stored; whatever it raises has it tried
# again. It is called in another process, so it and what it holds can be pickled. Interrupted, it
# gets a KeyboardInterrupt and has a few seconds.
Handler = Callable[[WorkItem], None]
Handlers = Mapping[str, Handler]


@dataclass(frozen=True, slots=True)
class Shift:
    """How long and how wide somebody works.

    Attributes:
        concurrency: items at once, each in a process of its own.
        stopping: set by whoever wants it to end; items under way have `grace_s` to end, and what
            has not ended then is given back to the queue.
        is_until_empty: whether it ends by itself, once no item waits and none is under way.
    """

    concurrency: int
    stopping: threading.Event
    is_until_empty: bool = False
    grace_s: float = 10.0


class Queue(Protocol):
    """Holds work for those who do it; safe to use from several threads.

    Where it is shared by machines, an item in the hands of a process that died is taken over by
    another within a minute.
    """

    def put(self, items: Sequence[WorkItem]) -> int:
        """Have items carried out; returns how many were not in the queue already.

        Raises:
            Unavailable: if the queue cannot be reached for a minute.
        """
        ...

    def withdraw(self, group: str) -> int:
        """Take the items of a group out that nobody has begun; returns how many.

        Raises:
            Unavailable: if the queue cannot be reached for a minute.
        """
        ...

    def backlog(self, group: str) -> Backlog:
        """Return how much is left of a group.

        Raises:
            Unavailable: if the queue cannot be reached for a minute.
        """
        ...

    def work(self, handlers: Handlers, shift: Shift) -> None:
        """Carry out items until told to stop; an item that fails never stops the rest."""
        ...

    def close(self) -> None:
        """Release what it holds; closing twice is fine."""
        ...


def pause_s(attempt: int) -> float:
    """Return how long to wait after an item's failed attempt, the first of which is 0."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0**attempt)
