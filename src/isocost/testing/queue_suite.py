"""The queue's contract as tests; an adapter is finished when a subclass of this passes."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from isocost.clock import monotonic_s
from isocost.queue.base import Handlers, Queue, Shift, WorkItem

_PATIENCE_S = 120.0  # a process that handles items starts in a second; a busy machine takes longer
_GLANCE_S = 0.02


def an_item(key: str, *, kind: str = "note", group: str = "g") -> WorkItem:
    """Return an item that the suite's handlers know."""
    return WorkItem(kind, key, group)


def handlers_in(folder: Path) -> Handlers:
    """Return handlers that leave what they did in a folder.

    `note` writes its key down; `falter` does so too, but fails at first; `fail` always does; `die`
    ends its process at first; `linger` begins and ends only by being interrupted.
    """
    kinds = {"note": note, "falter": falter, "fail": fail, "die": die, "linger": linger}
    return {kind: partial(handler, folder) for kind, handler in kinds.items()}


def note(folder: Path, item: WorkItem) -> None:
    """Write down that the item was carried out, once more for each time."""
    with (folder / "done").open("a", encoding="utf-8") as done:
        done.write(f"{item.key}\n")


def falter(folder: Path, item: WorkItem) -> None:
    """Fail at the first attempt."""
    if _is_first(folder, item):
        raise ValueError("not yet")
    note(folder, item)


def fail(folder: Path, item: WorkItem) -> None:
    """Fail."""
    raise ValueError(f"never {folder.name} {item.key}")


def die(folder: Path, item: WorkItem) -> None:
    """End this process at the first attempt, as a lack of memory does."""
    if _is_first(folder, item):
        os._exit(9)
    note(folder, item)


def linger(folder: Path, item: WorkItem) -> None:
    """Begin, and wait to be interrupted; say so then."""
    (folder / f"began {item.key}").touch()
    try:
        time.sleep(_PATIENCE_S)
    except KeyboardInterrupt:
        (folder / f"interrupted {item.key}").touch()
        raise


def done_in(folder: Path) -> list[str]:
    """Return the keys that were carried out, in order, as often as they were."""
    path = folder / "done"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def wait_for(path: Path) -> None:
    """Wait until a file is there."""
    deadline_s = monotonic_s() + _PATIENCE_S
    while not path.exists():
        assert monotonic_s() < deadline_s, f"{path.name} never came"
        time.sleep(_GLANCE_S)


@contextmanager
def working(queue: Queue, folder: Path, *, grace_s: float = 10.0) -> Iterator[threading.Event]:
    """Have the queue worked at beside the block, until the event or the block's end."""
    shift = Shift(1, threading.Event(), grace_s=grace_s)
    worker = threading.Thread(target=queue.work, args=(handlers_in(folder), shift))
    worker.start()
    try:
        yield shift.stopping
    finally:
        shift.stopping.set()
        worker.join()


def empty(queue: Queue, folder: Path, *, concurrency: int = 1) -> None:
    """Work until nothing is left."""
    shift = Shift(concurrency, threading.Event(), is_until_empty=True)
    queue.work(handlers_in(folder), shift)


def _is_first(folder: Path, item: WorkItem) -> bool:
    mark = folder / f"tried {item.key}"
    is_first = not mark.exists()
    mark.touch()
    return is_first


class QueueSuite:
    """Give a subclass the fixture `queue`, empty."""

    def test_each_item_is_carried_out_once(self, queue: Queue, tmp_path: Path) -> None:
        queue.put([an_item(str(n)) for n in range(12)])
        empty(queue, tmp_path, concurrency=2)
        assert sorted(done_in(tmp_path), key=int) == [str(n) for n in range(12)]

    def test_items_are_begun_in_the_order_of_putting_in(
        self, queue: Queue, tmp_path: Path
    ) -> None:
        queue.put([an_item(key) for key in "dcba"])
        empty(queue, tmp_path)
        assert done_in(tmp_path) == ["d", "c", "b", "a"]

    def test_item_that_waits_already_is_not_put_in_again(self, queue: Queue) -> None:
        assert queue.put([an_item("1"), an_item("2")]) == 2
        assert queue.put([an_item("2"), an_item("3")]) == 1
        assert queue.backlog("g").waiting == 3

    def test_same_key_of_another_kind_is_another_item(self, queue: Queue) -> None:
        assert queue.put([an_item("1"), an_item("1", kind="falter")]) == 2

    def test_item_may_be_put_in_again_once_it_is_over(self, queue: Queue, tmp_path: Path) -> None:
        for _ in range(2):
            assert queue.put([an_item("1")]) == 1
            empty(queue, tmp_path)
        assert done_in(tmp_path) == ["1", "1"]

    def test_backlog_counts_one_group(self, queue: Queue) -> None:
        queue.put([an_item("1"), an_item("2", group="other")])
        assert (queue.backlog("g").waiting, queue.backlog("g").under_way) == (1, 0)
        assert queue.backlog("nobody's").is_empty

    def test_withdrawn_items_are_not_carried_out(self, queue: Queue, tmp_path: Path) -> None:
        queue.put([an_item("1"), an_item("2", group="other")])
        assert queue.withdraw("g") == 1
        empty(queue, tmp_path)
        assert done_in(tmp_path) == ["2"]

    def test_item_that_fails_is_tried_again_and_stops_nobody(
        self, queue: Queue, tmp_path: Path
    ) -> None:
        queue.put([an_item("1", kind="falter"), an_item("2")])
        empty(queue, tmp_path)
        assert done_in(tmp_path) == ["2", "1"]

    def test_item_whose_process_died_is_tried_again(self, queue: Queue, tmp_path: Path) -> None:
        queue.put([an_item("1", kind="die")])
        empty(queue, tmp_path)
        assert done_in(tmp_path) == ["1"]

    def test_item_that_nobody_handles_stays(self, queue: Queue, tmp_path: Path) -> None:
        queue.put([an_item("1", kind="unheard-of"), an_item("2")])
        with working(queue, tmp_path):
            wait_for(tmp_path / "done")
        assert queue.backlog("g").waiting == 1

    def test_worker_that_is_to_stop_lets_an_item_end(self, queue: Queue, tmp_path: Path) -> None:
        queue.put([an_item("1", kind="linger")])
        with working(queue, tmp_path, grace_s=0.0) as stopping:
            wait_for(tmp_path / "began 1")
            stopping.set()
            wait_for(tmp_path / "interrupted 1")
        assert (queue.backlog("g").waiting, queue.backlog("g").under_way) == (1, 0)

    def test_item_under_way_is_not_put_in_again(self, queue: Queue, tmp_path: Path) -> None:
        queue.put([an_item("1", kind="linger")])
        with working(queue, tmp_path, grace_s=0.0):
            wait_for(tmp_path / "began 1")
            assert queue.put([an_item("1", kind="linger")]) == 0
            assert queue.backlog("g").under_way == 1

    def test_work_put_in_beside_a_worker_is_begun(self, queue: Queue, tmp_path: Path) -> None:
        with working(queue, tmp_path):
            queue.put([an_item("1")])
            wait_for(tmp_path / "done")
