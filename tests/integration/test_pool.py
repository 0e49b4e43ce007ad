"""Work is spread over processes, and its results come back with their places."""

import os
from functools import partial

import pytest

from isocost.cores import usable_cores
from isocost.errors import InvalidInput, PlatformError
from isocost.jobbank.pool import ProcessPool, in_this_process


def squared(offset, number):
    return number * number + offset, os.getpid()


def refused(number):
    raise InvalidInput(f"no {number}")


def end_process(_):
    os._exit(9)


def threads_of_blas(_):
    return os.environ["OMP_NUM_THREADS"]


def test_results_come_with_the_places_of_their_pieces():
    found = dict(ProcessPool(2)(partial(squared, 1), range(7)))
    assert [found[place][0] for place in range(7)] == [n * n + 1 for n in range(7)]


def test_work_is_done_elsewhere():
    found = dict(ProcessPool(2)(partial(squared, 0), range(4)))
    assert os.getpid() not in {pid for _, pid in found.values()}


def test_this_process_gives_the_same():
    here = {place: value for place, (value, _) in in_this_process(partial(squared, 1), range(3))}
    assert here == {0: 1, 1: 2, 2: 5}


def test_error_of_the_work_arrives_as_it_was_raised():
    with pytest.raises(InvalidInput, match="no 0"):
        list(ProcessPool(1)(refused, [0]))


def test_process_that_is_ended_from_outside_is_told_with_what_to_do():
    with pytest.raises(PlatformError, match="fewer processes"):
        list(ProcessPool(1)(end_process, [0]))


def test_each_process_has_one_blas_thread_and_ours_is_left_alone():
    before = os.environ.get("OMP_NUM_THREADS")
    assert list(ProcessPool(1)(threads_of_blas, [0])) == [(0, "1")]
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_there_is_a_core_to_use():
    assert usable_cores() >= 1
