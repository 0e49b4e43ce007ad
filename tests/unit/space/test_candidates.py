"""Candidates fit the platform, and each rejection says why."""

from hypothesis import given
from hypothesis import strategies as st

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.cluster import ClusterSpec, node_type_of, total_cores
from isocost.space.candidates import Capacity, candidate_space


def test_two_cores_run_six_local_clusters():
    space = candidate_space(LOCAL_NODE_TYPES, Capacity(2, 16.0), max_workers=2)
    assert len(space.candidates) == 6
    assert ClusterSpec("local-1c-2g", 2) in space.candidates


def test_too_many_cores_are_rejected_with_both_numbers():
    space = candidate_space(LOCAL_NODE_TYPES, Capacity(2, 16.0), max_workers=2)
    rejected = {r.spec: r for r in space.rejections}[ClusterSpec("local-2c-1g", 2)]
    assert (rejected.actual, rejected.allowed, rejected.unit) == (4, 2, "cores")


def test_too_much_memory_is_rejected():
    space = candidate_space(LOCAL_NODE_TYPES, Capacity(8, 2.0), max_workers=2)
    assert ClusterSpec("local-1c-2g", 2) in [r.spec for r in space.rejections]


@given(st.integers(1, 64), st.floats(0.5, 256.0), st.integers(1, 20))
def test_every_spec_is_either_within_the_limits_or_rejected(cores, memory_gib, max_workers):
    space = candidate_space(LOCAL_NODE_TYPES, Capacity(cores, memory_gib), max_workers=max_workers)
    assert len(space.candidates) + len(space.rejections) == len(LOCAL_NODE_TYPES) * max_workers
    for spec in space.candidates:
        assert total_cores(spec, LOCAL_NODE_TYPES) <= cores
        assert node_type_of(spec, LOCAL_NODE_TYPES).memory_gib * spec.worker_count <= memory_gib
