"""Residual kernels are covariances: symmetric, positive, largest for a cluster and itself."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.model.groups import BROAD, RESIDUAL
from isocost.model.kernels import ResidualKernel, input_covariance, input_variance, likeness_of
from tests.unit.model.clusters import COMPUTE, SPACE, at, on

clusters = st.lists(st.sampled_from(SPACE), min_size=2, max_size=8, unique=True)


def covariance(kernel, *specs):
    points = at(*specs)
    return kernel.over(likeness_of(points, points))


@given(clusters, st.sampled_from([RESIDUAL, BROAD, replace(BROAD, multiple=0.06)]))
def test_kernel_is_a_covariance(specs, kernel):
    matrix = covariance(kernel, *specs)
    assert np.allclose(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0
    assert np.allclose(np.diag(matrix), kernel.at_one_point())
    assert (matrix <= kernel.at_one_point() + 1e-12).all()


def test_multiple_scales_all_variances():
    four = replace(RESIDUAL, multiple=4.0)
    assert np.allclose(covariance(four, *SPACE), 4.0 * covariance(RESIDUAL, *SPACE))
    assert four.once == RESIDUAL


@pytest.mark.parametrize("part", ["memory_per_core", "cores", "cores_per_node", "hardware"])
def test_each_part_varies_with_its_own_alone(part):
    alone = ResidualKernel(*[0.0] * 5)
    kernel = replace(alone, **{part: 1.0})
    here = at(on(4))
    moved = {
        "memory_per_core": {"node_memory_gib": 32.0},
        "cores": {"cores": 32.0, "nodes": 8.0},
        "cores_per_node": {"nodes": 2.0, "node_memory_gib": 32.0},
        "hardware": {"speed": 2.0},
    }
    likeness = {name: kernel.over(likeness_of(here, at(on(4), **m))) for name, m in moved.items()}
    assert likeness.pop(part) < 0.9
    assert all(value == pytest.approx(1.0) for value in likeness.values())


def test_nearer_clusters_are_more_alike():
    values = covariance(RESIDUAL, on(4), on(6), on(16), on(16, COMPUTE))[0]
    assert list(values) == sorted(values, reverse=True)


def test_input_adds_nothing_but_its_residual_at_the_newest_size():
    points = at(on(1), on(2), log_input=[0.0, 1.0])
    assert input_variance(points) == pytest.approx([0.05**2, 0.05**2 + 0.4**2])
    assert np.diag(input_covariance(points, points)) == pytest.approx(input_variance(points))
