"""A process that carries out items: what comes back, and when it is replaced."""

import os
from contextlib import closing
from functools import partial

import pytest

from isocost.errors import InvalidInput
from isocost.queue.base import WorkItem
from isocost.queue.children import Child, Ending


def write_pid(folder, item):
    (folder / item.key).write_text(str(os.getpid()))


def refuse(item):
    raise InvalidInput("no such thing")


def threads_of_blas(folder, item):
    (folder / item.key).write_text(os.environ["OMP_NUM_THREADS"])


@pytest.fixture
def carried(tmp_path):
    """Return a function that carries an item and returns its ending and what it wrote."""
    kinds = {"pid": write_pid, "blas": threads_of_blas}
    handlers = {kind: partial(handler, tmp_path) for kind, handler in kinds.items()}
    with closing(Child({**handlers, "refuse": refuse}, most_items=2)) as child:

        def carry(kind, key="1"):
            ending = child.carry(WorkItem(kind, key, "g"))
            wrote = tmp_path / key
            return ending, wrote.read_text() if wrote.exists() else None

        yield carry


def test_items_are_carried_elsewhere(carried):
    ending, pid = carried("pid")
    assert ending == Ending()
    assert int(pid) != os.getpid()


def test_process_is_kept_for_some_items_and_then_replaced(carried):
    pids = [carried("pid", str(n))[1] for n in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_error_of_ours_is_told_with_its_code(carried):
    assert carried("refuse")[0] == Ending("invalid_input: no such thing")


def test_kind_that_nobody_handles_is_told(carried):
    assert "nobody here handles 'unheard-of'" in carried("unheard-of")[0].failure


def test_each_process_has_one_blas_thread(carried):
    assert carried("blas")[1] == "1"
