"""Handlers in; processes of this machine out, each of which carries out one item at a time.

A process of its own for each item under way: Python computes on one core only, and what kills the
work, be it a lack of memory, leaves whoever handed it out alive.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final

from isocost.cores import ONE_BLAS_THREAD
from isocost.errors import InternalError, IsocostError
from isocost.queue.base import Handlers, WorkItem

# The environment is the whole process's: two threads at it would restore each other's changes.
_STARTING: Final = threading.Lock()
# A process that has carried so many items is replaced, so that what its libraries hold on to stays
# bounded; to start another takes two seconds, a hundredth of what these items took.
MOST_ITEMS: Final = 100
# What an interrupted handler has to write down that its work is free again.
_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt at an item ended; `failure` is None where it was carried out."""

    failure: str | None = None


class Child:
    """A process that carries out items; used by one thread at a time, interrupted by any."""

    def __init__(self, handlers: Handlers, *, most_items: int = MOST_ITEMS) -> None:
        """Prepare; the first item starts the process, and after `most_items` the next another."""
        self._handlers = handlers
        self._most_items = most_items
        self._item_count = 0
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def carry(self, item: WorkItem) -> Ending:
        """Have an item carried out and wait for its end; a process that died is an ending too."""
        if self._item_count >= self._most_items:
            self.close()
        process, pipe = self._started()
        self._item_count += 1
        try:
            pipe.send(item)
            wait([pipe, process.sentinel])
            ending = pipe.recv()
        except (EOFError, OSError):  # it went away, before the item or with it
            process.join()
            self._forget()
            return Ending(f"its process ended with {_exit_words(process.exitcode)}")
        if not isinstance(ending, Ending):
            raise InternalError(f"A child process answered {ending!r}.")
        return ending

    def interrupt(self) -> None:
        """Have the handler raise KeyboardInterrupt; kill the process if it does not heed that."""
        process = self._process
        if process is not None and process.is_alive():
            process.terminate()
            process.join(_PATIENCE_S)
            process.kill()

    def close(self) -> None:
        """End the process, which is not at work."""
        if self._process is not None:
            self.interrupt()
            self._process.join()
            self._forget()

    def _started(self) -> tuple[BaseProcess, Connection]:
        if self._process is None or self._pipe is None or not self._process.is_alive():
            self._forget()
            self._item_count = 0
            # Not fork: a forked child inherits locks that other threads may hold.
            context = get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, self._handlers))
            with _STARTING, one_thread_each():
                self._process.start()
            theirs.close()
        return self._process, self._pipe

    def _forget(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Have processes that are started in the block see one BLAS thread each."""
    before = {name: os.environ.get(name) for name in ONE_BLAS_THREAD}
    os.environ.update(ONE_BLAS_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def follow_parent() -> None:
    """Have this process leave signals of the terminal to its parent, and end when that ends."""
    # Ctrl-C reaches every process of the terminal; only the parent, who knows what to tell the
    # user, acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _serve(pipe: Connection, handlers: Handlers) -> None:
    follow_parent()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(EOFError, OSError, KeyboardInterrupt):  # the parent closed, or sent us home
        while True:
            pipe.send(_attempt(pipe.recv(), handlers))


def _attempt(item: WorkItem, handlers: Handlers) -> Ending:
    handler = handlers.get(item.kind)
    if handler is None:
        return Ending(f"nobody here handles {item.kind!r}; is this worker of an older version?")
    try:
        handler(item)
    except IsocostError as error:
        return Ending(f"{error.code}: {error}")
    except Exception as error:  # noqa: BLE001  a worker's outer loop: one item never stops the rest
        return Ending(f"{type(error).__name__}: {error}")
    return Ending()


def _exit_words(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    return f"signal {signal.Signals(-exit_code).name}"
