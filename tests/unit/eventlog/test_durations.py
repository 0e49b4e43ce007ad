"""Durations are exact while they fit, and a fair sample beyond."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.domain.profile import QUANTILE_LEVELS
from isocost.eventlog.durations import SAMPLE_SIZE, Durations


def durations_of(ms, ids=None, batch=7):
    durations = Durations()
    ids = list(range(len(ms))) if ids is None else ids
    for i in range(0, len(ms), batch):
        durations.add(ids[i : i + batch], ms[i : i + batch])
    return durations


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=200))
def test_quantiles_and_sum_are_exact(ms):
    found = durations_of(ms).distribution(2000)
    assert found.count == len(ms)
    assert found.total_s == sum(ms) / 1000
    assert found.quantiles_s == pytest.approx(np.quantile(np.array(ms) / 1000, QUANTILE_LEVELS))


def test_values_stand_in_launch_order_whatever_ended_first():
    found = durations_of([30, 10, 20], ids=[2, 0, 1]).distribution(2000)
    assert found.values_s == (0.01, 0.02, 0.03)


def test_more_values_than_wanted_are_sampled_evenly():
    found = durations_of(list(range(1000))).distribution(10)
    assert found.values_s == tuple(n / 10 for n in range(10))


def test_huge_stage_keeps_a_bounded_sample_with_exact_extremes():
    ms = [random.Random(1).randrange(1000, 2000) for _ in range(3 * SAMPLE_SIZE)]
    ms[5], ms[-1] = 1, 999_999
    durations = durations_of(ms, batch=1000)
    found = durations.distribution(2000)
    assert durations.kept_count <= SAMPLE_SIZE
    assert (found.count, found.total_s) == (len(ms), sum(ms) / 1000)
    assert (found.quantiles_s[0], found.quantiles_s[-1]) == (0.001, 999.999)


def test_sample_does_not_depend_on_the_order_of_ends():
    ms = list(range(2 * SAMPLE_SIZE))
    shuffled = random.Random(2).sample(ms, len(ms))
    assert durations_of(ms, batch=999).distribution(500) == durations_of(
        shuffled, ids=shuffled, batch=1001
    ).distribution(500)


@pytest.mark.parametrize("task_id", [0, 1, 2**40])
def test_absurd_ids_do_not_fill_the_memory(task_id):
    durations = durations_of([5] * (SAMPLE_SIZE + 10), ids=[task_id] * (SAMPLE_SIZE + 10))
    assert durations.kept_count <= SAMPLE_SIZE
