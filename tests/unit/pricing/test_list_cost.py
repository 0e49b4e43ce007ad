"""List cost follows the timeline and the rates."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.catalog.local import LOCAL_NODE_TYPES, USD_PER_CORE_HOUR, USD_PER_GIB_HOUR
from isocost.domain.cluster import ClusterSpec, ClusterTimeline, NodeInterval, steady_timeline
from isocost.errors import InvalidInput
from isocost.pricing.list_cost import list_cost, usd_per_s
from isocost.testing.nouns import LARGE, NOW, SMALL


def timeline(spec, seconds):
    return steady_timeline(spec, NOW, NOW + timedelta(seconds=seconds))


def test_one_worker_for_an_hour_costs_its_rate():
    cost = list_cost(timeline(SMALL, 3600), LOCAL_NODE_TYPES)
    assert cost.total_usd == pytest.approx(USD_PER_CORE_HOUR + 2 * USD_PER_GIB_HOUR)


def test_a_node_that_left_early_costs_less():
    full = timeline(ClusterSpec("local-1c-1g", 2), 100)
    left = NodeInterval("worker-1", "local-1c-1g", NOW, NOW + timedelta(seconds=50))
    cut = ClusterTimeline((full.nodes[0], left))
    ratio = list_cost(cut, LOCAL_NODE_TYPES).vm_usd / list_cost(full, LOCAL_NODE_TYPES).vm_usd
    assert ratio == pytest.approx(0.75)


def test_rate_and_bill_agree():
    bill_usd = list_cost(timeline(LARGE, 90), LOCAL_NODE_TYPES).total_usd
    assert usd_per_s(LARGE, LOCAL_NODE_TYPES) * 90 == pytest.approx(bill_usd)


def test_node_without_a_rate_is_an_error():
    with pytest.raises(InvalidInput, match=r"m5\.large"):
        list_cost(timeline(ClusterSpec("m5.large", 1), 10), LOCAL_NODE_TYPES)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(1, 50))
def test_more_node_hours_never_cost_less(a, b, workers):
    spec = ClusterSpec("local-2c-1g", workers)
    short, long = sorted((a, b))
    cheap = list_cost(timeline(spec, short), LOCAL_NODE_TYPES).total_usd
    assert cheap <= list_cost(timeline(spec, long), LOCAL_NODE_TYPES).total_usd
