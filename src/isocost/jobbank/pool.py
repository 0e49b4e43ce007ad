"""Independent pieces of work in; their results, from every core, as they come, out."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Any, Final, Protocol, TypeVar

from isocost.errors import InternalError, PlatformError

Piece = TypeVar("Piece")
Result = TypeVar("Result")

# One BLAS thread a process: the processes fill the cores already, and more threads on matrices of
# this size cost 12 to 85 times what they save.
_ONE_THREAD: Final = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
}


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
        with _one_thread_each(), self._opened(work, len(pieces)) as executor:
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


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Have processes that are started in the block see one BLAS thread each."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


# The work of this process, set once when it starts, so that its data are not sent with each piece.
_WORK: list[Callable[[Any], Any]] = []


def _begin(work: Callable[[Any], Any]) -> None:
    # Ctrl-C reaches every process of the terminal; only the parent, who knows what to tell the
    # user, acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _WORK.append(work)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _carry_out(piece: object) -> object:
    if not _WORK:
        raise InternalError("A worker process was given a piece before its work.")
    return _WORK[-1](piece)
