"""Work in; done by processes of this machine, on every core, without anything to be set up."""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from isocost.clock import monotonic_s
from isocost.queue.base import MOST_ATTEMPTS, Backlog, Handlers, Shift, WorkItem, pause_s
from isocost.queue.children import Child, Ending

_GLANCE_S: Final = 0.1  # how late an order to stop is noticed

_LOG: Final = logging.getLogger(__name__)


class InlineQueue:
    """Holds work in memory: what was not done when its process ends is put in by the next one."""

    def __init__(self) -> None:
        """Make an empty queue."""
        self._changed = threading.Condition()
        self._waiting: dict[tuple[str, str], _Waiting] = {}  # in the order of putting in
        self._under_way: dict[tuple[str, str], WorkItem] = {}

    def put(self, items: Sequence[WorkItem]) -> int:
        """Add items; see the port."""
        with self._changed:
            known = self._waiting.keys() | self._under_way.keys()
            new = {_name(item): item for item in items if _name(item) not in known}
            self._waiting |= {name: _Waiting(item) for name, item in new.items()}
            self._changed.notify_all()
        return len(new)

    def withdraw(self, group: str) -> int:
        """Take out what nobody has begun; see the port."""
        with self._changed:
            of_group = [n for n, each in self._waiting.items() if each.item.group == group]
            for name in of_group:
                del self._waiting[name]
            self._changed.notify_all()
        return len(of_group)

    def backlog(self, group: str) -> Backlog:
        """Return how much is left; see the port."""
        with self._changed:
            waiting = sum(each.item.group == group for each in self._waiting.values())
            under_way = sum(item.group == group for item in self._under_way.values())
        return Backlog(waiting, under_way)

    def work(self, handlers: Handlers, shift: Shift) -> None:
        """Carry out items; see the port."""
        with ThreadPoolExecutor(shift.concurrency, thread_name_prefix="queue") as threads:
            hands = [threads.submit(self._work, handlers, shift) for _ in range(shift.concurrency)]
        for hand in hands:
            hand.result()

    def close(self) -> None:
        """Nothing is held."""

    def _work(self, handlers: Handlers, shift: Shift) -> None:
        with closing(Child(handlers)) as child:
            while (taken := self._take(shift)) is not None:
                self._carry(child, taken, shift)

    def _take(self, shift: Shift) -> "_Waiting | None":
        """Wait for an item that is due; None when there is none left, or the shift is over."""
        with self._changed:
            while not shift.stopping.is_set():
                now_s = monotonic_s()
                due = next((each for each in self._waiting.values() if each.due_s <= now_s), None)
                if due is not None:
                    del self._waiting[_name(due.item)]
                    self._under_way[_name(due.item)] = due.item
                    return due
                if shift.is_until_empty and not self._waiting and not self._under_way:
                    return None
                self._changed.wait(_GLANCE_S)
        return None

    def _carry(self, child: Child, taken: "_Waiting", shift: Shift) -> None:
        is_over = threading.Event()
        warden = threading.Thread(target=_guard, args=(child, shift, is_over))
        warden.start()
        ending = Ending("it was never begun")
        try:
            ending = child.carry(taken.item)
        finally:
            is_over.set()
            warden.join()
            with self._changed:
                del self._under_way[_name(taken.item)]
                if ending.failure is not None:
                    self._put_back(taken, ending.failure, shift)
                self._changed.notify_all()

    def _put_back(self, taken: "_Waiting", failure: str, shift: Shift) -> None:
        if shift.stopping.is_set():
            self._waiting[_name(taken.item)] = taken
            return
        attempts = taken.attempts + 1
        _LOG.warning("step=failed key=%s attempt=%d reason=%s", taken.item.key, attempts, failure)
        if attempts < MOST_ATTEMPTS:
            due_s = monotonic_s() + pause_s(taken.attempts)
            self._waiting[_name(taken.item)] = _Waiting(taken.item, attempts, due_s)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An item with the attempts made, and when the next is due by the monotonic clock."""

    item: WorkItem
    attempts: int = 0
    due_s: float = 0.0


def _guard(child: Child, shift: Shift, is_over: threading.Event) -> None:
    """Interrupt the child once the shift is to end and the grace is over."""
    while not is_over.wait(_GLANCE_S):
        if shift.stopping.is_set():
            if not is_over.wait(shift.grace_s):
                child.interrupt()
            return


def _name(item: WorkItem) -> tuple[str, str]:
    return item.kind, item.key
