"""The posterior is exact Gaussian-process regression, weighted by how well each curve explains."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.model.groups import RESIDUAL, PowerCurves, multiples, uniform
from isocost.model.kernels import INPUT_SLOPE_MEAN, input_covariance, likeness_of
from isocost.model.posterior import (
    LEVEL_SD,
    Group,
    Posterior,
    resampled,
    systematic,
)
from tests.unit.model.clusters import COMPUTE, at, on, some_observed

SEEN = at(on(2), on(8), on(4, COMPUTE), log_input=[0.0, -0.3, 0.1])
ASKED = at(on(3), on(12), log_input=[0.0, 0.2])
LOG_S = np.array([6.0, 5.1, 5.6])
ONCE = multiples(RESIDUAL, ((1.0, 1.0),))


def powers(*slopes, name="power law", mass=1.0, kernels=ONCE):
    return Group(name, PowerCurves(np.array(slopes)), uniform(len(slopes), mass), kernels)


def posterior(*groups, seen=SEEN, log_s=LOG_S, noise_sd=0.05, **changes):
    observed = some_observed(seen, log_s, noise_sd)
    return Posterior(groups, observed, next_noise_variance=0.0, **changes)


def mean_curve(points, slope):
    return slope * np.log(points.cores) + INPUT_SLOPE_MEAN * points.log_input


def covariance(a, b):
    return RESIDUAL.over(likeness_of(a, b)) + input_covariance(a, b) + LEVEL_SD**2


def test_one_curve_is_the_textbook_formula():
    mixture = posterior(powers(-0.7)).predict(ASKED)
    inverse = np.linalg.inv(covariance(SEEN, SEEN) + 0.05**2 * np.eye(3))
    cross = covariance(ASKED, SEEN)
    # The level's prior is centred on the runs' mean, curve taken off.
    shift = LOG_S.mean() - mean_curve(SEEN, -0.7).mean()
    misfit = LOG_S - mean_curve(SEEN, -0.7) - shift
    assert mixture.mean[0] == pytest.approx(
        mean_curve(ASKED, -0.7) + shift + cross @ inverse @ misfit
    )
    variance = covariance(ASKED, ASKED) - cross @ inverse @ cross.T
    assert mixture.sd[0] == pytest.approx(np.sqrt(np.diag(variance)))


def test_weights_are_prior_times_density():
    slopes = (-0.2, -0.9)
    mixture = posterior(powers(*slopes)).predict(ASKED)
    matrix = covariance(SEEN, SEEN) + 0.05**2 * np.eye(3)

    def density(slope):
        misfit = LOG_S - mean_curve(SEEN, slope)
        misfit = misfit - misfit.mean()
        return np.exp(-0.5 * misfit @ np.linalg.solve(matrix, misfit))

    expected = np.array([density(slope) for slope in slopes])
    got = np.sort(mixture.weights)
    assert got == pytest.approx(np.sort(expected / expected.sum()))


def test_kernels_of_several_multiples_are_weighed_by_their_evidence():
    both = multiples(RESIDUAL, ((0.05, 0.5), (4.0, 0.5)))
    scattered = posterior(powers(-0.7, kernels=both), log_s=[6.0, 6.0, 4.0])
    orderly = posterior(powers(-0.7, kernels=both), log_s=mean_curve(SEEN, -0.7))

    def wide_share(found):
        return sum(
            float(c.weights.sum()) for c in found.components if c.conditioned.kernel.multiple > 1
        )

    assert wide_share(orderly) < 0.5 < wide_share(scattered)


def test_curve_far_from_the_data_loses_weight():
    near, far = powers(-0.5, name="near", mass=0.5), powers(2.0, name="far", mass=0.5)
    found = posterior(near, far, log_s=mean_curve(SEEN, -0.5))
    assert found.weight_of("far") < 0.01
    assert found.weight_of("near") + found.weight_of("far") == pytest.approx(1.0)


@given(st.floats(0.001, 1000.0))
def test_level_is_free(factor):
    plain = posterior(powers(-0.2, -0.7)).predict(ASKED)
    scaled = posterior(powers(-0.2, -0.7), log_s=LOG_S + np.log(factor)).predict(ASKED)
    assert scaled.mean == pytest.approx(plain.mean + np.log(factor))
    assert scaled.weights == pytest.approx(plain.weights)


@given(st.permutations(range(3)))
def test_order_of_observations_does_not_matter(order):
    places = np.array(order)
    plain = posterior(powers(-0.2, -0.7)).predict(ASKED)
    mixed = posterior(powers(-0.2, -0.7), seen=SEEN.take(places), log_s=LOG_S[places])
    assert mixed.predict(ASKED).quantiles([0.5]) == pytest.approx(plain.quantiles([0.5]))


def test_level_of_an_earlier_epoch_is_forgotten_but_its_shape_is_not():
    slopes = powers(-0.1, -0.9)
    alone = posterior(slopes, seen=at(on(4)), log_s=[5.0])
    earlier = at(on(2), on(16), on(4), epoch=[1.0, 1.0, 0.0])
    shaped = posterior(slopes, seen=earlier, log_s=[9.0, 9.0 - 0.9 * np.log(8), 5.0])
    assert shaped.predict(at(on(4))).quantiles([0.5])[0] == pytest.approx([5.0], abs=0.02)
    assert shaped.predict(at(on(16))).moments()[0] < alone.predict(at(on(16))).moments()[0] - 0.2


def test_rough_look_agrees_with_the_close_one():
    random = np.random.default_rng(3)
    found = posterior(powers(*random.uniform(-1, 0, 600)))
    mean, sd = found.predict(ASKED).moments()
    rough_mean, rough_sd = found.predict_roughly(ASKED).moments()
    assert (np.abs(rough_mean - mean) < 0.25 * sd).all()
    assert rough_sd == pytest.approx(sd, rel=0.25)


@dataclass(frozen=True)
class Offsets:
    """Curves that differ only in their memory part."""

    values: np.ndarray

    def __len__(self):
        return len(self.values)

    def at(self, points):
        return self.memory_part(points)

    def memory_part(self, points):
        return np.outer(self.values, np.log(points.usable_gib))

    def take(self, places):
        return Offsets(self.values[places])


def test_memory_part_is_relative_to_the_clusters_seen():
    group = Group("memory", Offsets(np.array([-1.0])), uniform(1, 1.0), ONCE)
    found = posterior(group, seen=at(on(4)), log_s=[5.0])
    assert found.memory_part(at(on(4), on(8)))[0] == pytest.approx([0.0, -np.log(2.0)])


weights = st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=300).map(
    lambda values: np.array(values) / sum(values)
)


@given(weights, st.integers(2, 40))
def test_resampling_keeps_the_mass_and_the_heaviest(given_weights, most):
    places, kept = resampled(given_weights, most)
    assert len(places) == len(kept) <= max(most, 1)
    assert kept.sum() == pytest.approx(1.0, abs=1e-3)
    assert int(given_weights.argmax()) in places.tolist()


def test_resampling_is_right_in_expectation():
    random = np.random.default_rng(4)
    values, heavy = random.normal(size=5000), random.pareto(1.0, 5000)
    heavy /= heavy.sum()
    places, kept = resampled(heavy, 400)
    assert kept @ values[places] == pytest.approx(heavy @ values, abs=0.1)


@given(weights, st.integers(1, 50))
def test_systematic_draws_each_as_often_as_its_weight_says(given_weights, count):
    drawn = np.bincount(systematic(given_weights, count), minlength=len(given_weights))
    assert drawn.sum() == count
    assert (np.abs(drawn - count * given_weights) <= 1 + 1e-6).all()
