"""Clusters become arrays by what they are; an unknown speed is the reference's."""

from dataclasses import replace

import pytest

from isocost.domain.cluster import ClusterSpec
from isocost.errors import InvalidInput
from isocost.model.points import REFERENCE_COREMARK, points_of, scale_of
from tests.unit.model.clusters import GENERAL, SPACE, TYPES, at, on


def test_every_array_is_worked_out_by_hand():
    points = at(on(3))
    assert (points.cores, points.nodes, points.node_memory_gib) == (12.0, 3.0, 16.0)
    assert (points.usable_gib, points.network_gbps) == (3 * 14.0, 1.0)
    assert points.speed == pytest.approx(56_000 / 4 / REFERENCE_COREMARK)


def test_node_type_without_coremark_is_as_fast_as_the_reference():
    bare = replace(GENERAL, coremark=None, network_gbps=None)
    points = points_of([on()], [bare])
    assert (points.speed, points.network_gbps) == (1.0, 0.0)


def test_very_small_node_keeps_some_memory():
    tiny = replace(GENERAL, memory_gib=1.0)
    assert points_of([on(2)], [tiny]).usable_gib == 2 * 0.5


def test_foreign_node_type_is_named():
    with pytest.raises(InvalidInput, match=r"'huge'.*compute, general, memory"):
        points_of([ClusterSpec("huge", 1)], TYPES)


def test_scale_is_the_geometric_middle_of_the_ends():
    scale = scale_of(at(*SPACE))
    assert (scale.cores, scale.nodes) == (16.0, 4.0)
    assert (scale.least_gib, scale.most_gib) == (6.0, 16 * 30.0)


def test_empty_space_is_refused():
    with pytest.raises(InvalidInput, match="No candidate"):
        scale_of(at())


def test_taken_points_keep_their_arrays_together():
    points = at(on(1), on(2), on(3), log_input=[0.1, 0.2, 0.3])
    taken = points.take(points.nodes.argsort()[::-1])
    assert taken.nodes.tolist() == [3, 2, 1]
    assert taken.log_input.tolist() == [0.3, 0.2, 0.1]
