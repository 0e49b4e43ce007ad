"""A mixture answers as its closed forms and a large sample of it do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from isocost.model.mixture import Mixture, joined

WEIGHTS = np.array([0.2, 0.5, 0.3])
MEAN = np.array([[4.0, 5.0], [4.5, 5.1], [6.0, 4.0]])
SD = np.array([[0.1, 0.2], [0.3, 0.3], [0.05, 0.6]])
MIXTURE = Mixture(WEIGHTS, MEAN, SD)


def sample(count=400_000):
    random = np.random.default_rng(5)
    which = random.choice(3, count, p=WEIGHTS)
    return MEAN[which] + SD[which] * random.standard_normal((count, 2))


def test_moments_are_those_of_a_sample():
    mean, sd = MIXTURE.moments()
    assert mean == pytest.approx(sample().mean(axis=0), abs=0.005)
    assert sd == pytest.approx(sample().std(axis=0), abs=0.005)


def test_quantiles_are_those_of_a_sample():
    levels = (0.025, 0.1, 0.5, 0.9, 0.975)
    assert MIXTURE.quantiles(levels) == pytest.approx(np.quantile(sample(), levels, 0), abs=0.02)


def test_one_normal_has_its_textbook_quantiles():
    one = Mixture(np.ones(1), np.array([[3.0]]), np.array([[0.5]]))
    assert one.quantiles((0.1, 0.975))[:, 0] == pytest.approx(norm.ppf((0.1, 0.975), 3.0, 0.5))


def test_expected_gain_is_that_of_a_sample():
    rates, best = np.log([0.01, 0.02]), 1.5
    gain = np.maximum(best - np.exp(sample() + rates), 0.0).mean(axis=0)
    assert MIXTURE.expected_gain(rates, best) == pytest.approx(gain, rel=0.01)


def test_expected_gain_takes_a_best_for_each_point():
    rates, best = np.log([0.01, 0.02]), np.array([1.5, 2.5])
    each = [MIXTURE.expected_gain(rates, b)[place] for place, b in enumerate(best)]
    assert MIXTURE.expected_gain(rates, best) == pytest.approx(each)


def test_expected_seconds_are_those_of_a_sample():
    assert MIXTURE.expected_s() == pytest.approx(np.exp(sample()).mean(axis=0), rel=0.01)


def test_a_component_that_knows_nothing_does_not_own_the_expectation():
    wide = Mixture(np.array([0.9, 0.1]), np.zeros((2, 1)), np.array([[0.1], [5.0]]))
    assert wide.expected_s()[0] < 1.1  # and not e^12.5 times a tenth


mixtures = st.builds(
    lambda parts: joined([
        (np.array([w]), np.array([[mean]]), np.array([[sd]])) for w, mean, sd in parts
    ]),
    st.lists(
        st.tuples(st.floats(0.01, 1.0), st.floats(-3, 8), st.floats(0.01, 2.0)),
        min_size=1,
        max_size=5,
    ),
)


@given(mixtures, st.floats(0.01, 0.99))
def test_a_quantile_has_its_mass_below(mixture, level):
    at = mixture.quantiles([level])[0]
    assert mixture.probability_below(at)[0] == pytest.approx(level, abs=0.005)


@given(mixtures)
def test_quantiles_ascend_and_mass_sums_to_one(mixture):
    assert (np.diff(mixture.quantiles((0.025, 0.1, 0.5, 0.9, 0.975)), axis=0) >= 0).all()
    assert mixture.weights.sum() == pytest.approx(1.0)


@given(mixtures, st.floats(0.1, 1000.0), st.floats(0.1, 1000.0))
def test_gain_is_between_nothing_and_the_best_and_grows_with_it(mixture, a, b):
    low, high = (mixture.expected_gain(np.zeros(1), best)[0] for best in sorted((a, b)))
    assert -1e-9 <= low <= high + 1e-9
    assert high <= max(a, b)


def test_taken_points_keep_their_components():
    taken = MIXTURE.take(np.array([1]))
    assert taken.quantiles([0.5])[0] == pytest.approx(MIXTURE.quantiles([0.5])[0, 1:])
