"""Independent pieces of work in; their results, from every core, as they come, out."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

from isocost.cores import usable_cores
from isocost.errors import InternalError, PlatformError
from isocost.queue.children import follow_parent, one_thread_each

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Spread(Protocol):
    """Carries out pieces of work, in any order; results come with the place of their piece."""

    def __call__(
        self, work: Callable[[Piece], Result], pieces: Sequence[Piece]
    ) -> Iterator[tuple[int, Result]]:
        """Yield each result as soon as it is there."""
        ...


def in_this_process(
    work: Callable[[Piece], Result], pieces: Sequence[Piece]
) -> Iterator[tuple[int, Result]]:
    """Carry out one piece after the other, here."""
    for place, piece in enumerate(pieces):
        yield place, work(piece)


class ProcessPool:
    """Carries out pieces in processes of its own, which end with this one whatever ends it."""

    def __init__(self, processes: int | None = None) -> None:
        """Make a pool of `processes`, or of one for each core this process may use."""
        self._processes = processes or usable_cores()

    def __call__(
        self, work: Callable[[Piece], Result], pieces: Sequence[Piece]
    ) -> Iterator[tuple[int, Result]]:
        """Yield each result as soon as it is there; `work` and pieces have to be picklable.

        Raises:
            PlatformError: if one of the processes is ended from outside.
            KeyboardInterrupt: what has not begun is dropped then, and what has is waited for.
        """
        with one_thread_each(), self._opened(work, len(pieces)) as executor:
            futures: dict[Future[Any], int] = {
                executor.submit(_carry_out, piece): place for place, piece in enumerate(pieces)
            }
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except BrokenProcessPool as error:
                raise PlatformError(
                    "A worker process was ended from outside, most likely because memory ran out. "
                    "Ask for fewer processes, or free some memory, and repeat the command."
                ) from error
            finally:
                executor.shutdown(wait=True, cancel_futures=True)

    def _opened(self, work: Callable[[Any], Any], count: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            max_workers=max(1, min(self._processes, count)),
            # Not fork: a forked child inherits locks that other threads may hold.
            mp_context=get_context("spawn"),
            initializer=_begin,
            initargs=(work,),
        )


# The work of this process, set once when it starts, so that its data are not sent with each piece.
_WORK: list[Callable[[Any], Any]] = []


def _begin(work: Callable[[Any], Any]) -> None:
    follow_parent()
    _WORK.append(work)


def _carry_out(piece: object) -> object:
    if not _WORK:
        raise InternalError("A worker process was given a piece before its work.")
    return _WORK[-1](piece)
