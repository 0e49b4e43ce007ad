"""A transaction about to open in; the refusal of one inside another, in the same thread, out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from isocost.errors import InternalError


class NoNesting:
    """Remembers, for each thread, whether a transaction of one store is open."""

    def __init__(self) -> None:
        self._here = threading.local()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Hold this thread's only place.

        Raises:
            InternalError: if the thread holds it already. An inner transaction could only wait for
                the outer one, or be undone by it.
        """
        if getattr(self._here, "is_open", False):
            raise InternalError(
                "A transaction was opened inside another one of the same store. Pass the open "
                "transaction on instead; please report this."
            )
        self._here.is_open = True
        try:
            yield
        finally:
            self._here.is_open = False


def write_refused(noun: str) -> InternalError:
    """Return the error for a write into a read-only transaction."""
    return InternalError(
        f"A {noun} was written in a read-only transaction. Open one that writes; please report "
        "this."
    )
