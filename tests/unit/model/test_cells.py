"""Runs that differ by noise alone are one cell, whose mean the posterior sees."""

from math import log

import numpy as np
import pytest

from isocost.model.cells import MOST_CELLS, STOPPED_LOG_MORE, cells_of, observed_of
from isocost.model.history import Ending
from isocost.model.noise import CLUSTER_SD, DISTURBED_SD
from tests.unit.model.clusters import TYPES, a_run, on


def cells(*history, input_bytes=None, epochs=None):
    return cells_of(history, epochs or [0] * len(history), input_bytes=input_bytes)


def test_repeats_are_one_cell_in_the_place_of_the_newest():
    first, second, again = a_run(on(2)), a_run(on(4)), a_run(on(2))
    found = cells(first, second, again)
    assert [(c.spec, len(c.log_s)) for c in found] == [(on(4), 1), (on(2), 2)]


@pytest.mark.parametrize(("other_bytes", "count"), [(1.005e9, 1), (1.5e9, 2)])
def test_only_inputs_alike_share_a_cell(other_bytes, count):
    runs = [a_run(input_bytes=1e9), a_run(input_bytes=other_bytes)]
    assert len(cells(*runs, input_bytes=1e9)) == count


def test_epochs_are_kept_apart():
    assert [c.epoch for c in cells(a_run(), a_run(), epochs=[1, 0])] == [1, 0]


def test_disturbed_runs_count_only_where_there_is_no_sound_one():
    sound, disturbed = a_run(runtime_s=100.0), a_run(runtime_s=300.0, is_disturbed=True)
    (both,) = cells(disturbed, sound)
    (alone,) = cells(disturbed)
    assert (both.log_s, both.is_sound) == ((log(100.0),), True)
    assert (alone.log_s, alone.is_sound) == ((log(300.0),), False)


def test_stopped_run_would_have_gone_on_and_failed_run_says_nothing():
    stopped = a_run(runtime_s=100.0, ending=Ending.TIMED_OUT)
    (cell,) = cells(stopped, a_run(on(8), ending=Ending.FAILED))
    assert cell.log_s == (log(100.0) + STOPPED_LOG_MORE,)
    assert not cell.is_sound


def test_repeats_halve_the_variance_of_runs_but_not_of_the_cluster():
    observed = observed_of(cells(a_run(), a_run(), a_run(on(8))), TYPES, run_sd=0.03)
    expected = [0.03**2 / 2 + CLUSTER_SD**2, 0.03**2 + CLUSTER_SD**2]
    assert observed.noise_variance == pytest.approx(expected)


def test_disturbed_cell_is_nearly_ignored():
    observed = observed_of(cells(a_run(is_disturbed=True)), TYPES, run_sd=0.03)
    assert observed.noise_variance[0] > DISTURBED_SD**2


def test_input_is_relative_to_the_next_run():
    (cell,) = cells(a_run(input_bytes=2e9), input_bytes=1e9)
    assert cell.log_input == pytest.approx(np.log(2.0))


def test_only_the_newest_cells_are_kept():
    history = [a_run(on(n)) for n in range(1, MOST_CELLS + 11)]
    found = cells(*history)
    assert (len(found), found[0].spec, found[-1].spec) == (MOST_CELLS, on(11), history[-1].spec)
