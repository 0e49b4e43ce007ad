"""Repeats say how far equal runs lie apart; the prior is outvoted, never ignored."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.model.noise import LEAST_RUN_SD, RUN_SD, run_sd


def test_without_repeats_the_prior_stands():
    assert run_sd([[5.0], [6.0]]) == RUN_SD


def test_two_repeats_by_hand():
    scatter = 4 * 0.03**2 + 2 * 0.1**2  # the mean is 0.1 from each
    assert run_sd([[5.0, 5.2]]) == pytest.approx((scatter / 5) ** 0.5)


@given(st.floats(0.02, 0.3))
def test_many_repeats_outvote_the_prior(sd):
    values = np.random.default_rng(6).normal(5.0, sd, 2000)
    assert run_sd([values.tolist()]) == pytest.approx(sd, rel=0.05)


def test_equal_repeats_are_not_believed_to_be_noiseless():
    assert run_sd([[5.0] * 5000]) == LEAST_RUN_SD


@given(st.lists(st.lists(st.floats(0, 9), min_size=1, max_size=4), max_size=4), st.floats(-5, 5))
def test_level_of_a_cluster_is_no_noise(repeats, shift):
    moved = [[value + shift for value in values] for values in repeats]
    assert run_sd(moved) == pytest.approx(run_sd(repeats), rel=1e-6)
