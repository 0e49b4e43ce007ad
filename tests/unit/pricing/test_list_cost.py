"""List cost follows the timeline and the rates, part by part."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.catalog.local import LOCAL_NODE_TYPES, USD_PER_CORE_HOUR, USD_PER_GIB_HOUR
from isocost.domain.cluster import (
    ClusterSpec,
    ClusterTimeline,
    NodeInterval,
    NodeType,
    steady_timeline,
)
from isocost.domain.cost import RateCard
from isocost.errors import InvalidInput
from isocost.pricing.list_cost import list_cost, usd_per_s
from isocost.testing.nouns import LARGE, NOW, SMALL

BIG = NodeType("big", 8, 32.0, 0.40, dbu_per_hour=1.5, spot_usd_per_hour=0.10)
LESS = NodeType("less", 4, 16.0, 0.20, dbu_per_hour=0.75)
NODE_TYPES = (BIG, LESS)
CARD = RateCard(
    usd_per_dbu=0.20, dbu_multiplier=2.0, disk_usd_per_gib_month=0.073, spot_fraction=0.5
)


def timeline(spec, seconds):
    return steady_timeline(spec, NOW, NOW + timedelta(seconds=seconds))


def an_interval(seconds=3600.0, node_type=BIG, **changes):
    end = NOW + timedelta(seconds=seconds)
    return replace(NodeInterval("n", node_type.node_type_id, NOW, end), **changes)


def cost_of(*intervals, rates=CARD):
    return list_cost(ClusterTimeline(intervals), NODE_TYPES, rates)


intervals = st.builds(
    an_interval,
    seconds=st.floats(0, 1e6),
    node_type=st.sampled_from(NODE_TYPES),
    is_driver=st.booleans(),
    is_spot=st.booleans(),
    disk_gib=st.floats(0, 1e4),
)


def test_one_worker_for_an_hour_costs_its_rate():
    cost = list_cost(timeline(SMALL, 3600), LOCAL_NODE_TYPES)
    assert cost.total_usd == pytest.approx(USD_PER_CORE_HOUR + 2 * USD_PER_GIB_HOUR)


def test_a_node_that_left_early_costs_less():
    full = timeline(ClusterSpec("local-1c-1g", 2), 100)
    left = NodeInterval("worker-1", "local-1c-1g", NOW, NOW + timedelta(seconds=50))
    cut = ClusterTimeline((full.nodes[0], left))
    ratio = list_cost(cut, LOCAL_NODE_TYPES).vm_usd / list_cost(full, LOCAL_NODE_TYPES).vm_usd
    assert ratio == pytest.approx(0.75)


def test_driver_worker_and_spot_are_told_apart():
    cost = cost_of(
        an_interval(is_driver=True, node_type=LESS), an_interval(), an_interval(is_spot=True)
    )
    assert cost.driver_usd == pytest.approx(0.20)
    assert cost.worker_usd == pytest.approx(0.40)
    assert cost.spot_usd == pytest.approx(0.10)
    assert cost.vm_usd == pytest.approx(0.70)


def test_a_spot_driver_is_a_driver_at_the_spot_rate():
    cost = cost_of(an_interval(is_driver=True, is_spot=True))
    assert (cost.driver_usd, cost.spot_usd) == (pytest.approx(0.10), 0.0)


def test_dbus_are_billed_for_driver_and_spot_alike_times_photons_multiplier():
    cost = cost_of(an_interval(is_driver=True), an_interval(is_spot=True))
    assert cost.dbu_usd == pytest.approx(2 * 1.5 * 2.0 * 0.20)


def test_attached_disks_are_billed_by_the_hour():
    assert cost_of(an_interval(disk_gib=100.0)).disk_usd == pytest.approx(100 * 0.073 / 730)


def test_the_node_types_own_spot_rate_comes_before_the_fraction():
    own, by_fraction = (cost_of(an_interval(node_type=n, is_spot=True)) for n in NODE_TYPES)
    assert own.spot_usd == pytest.approx(0.10)
    assert by_fraction.spot_usd == pytest.approx(0.20 * 0.5)


def test_unknown_spot_rate_is_billed_as_on_demand_and_said_so():
    cost = cost_of(
        an_interval(node_type=LESS, is_spot=True), rates=replace(CARD, spot_fraction=None)
    )
    assert cost.spot_usd == pytest.approx(0.20)
    assert cost.missing == (
        "spot rate of less: neither the node type nor the rate card has one; billed at the "
        "on-demand rate",
    )


def test_what_cannot_be_priced_is_missing_with_a_reason_once():
    cost = cost_of(an_interval(disk_gib=1.0), an_interval(disk_gib=2.0), rates=RateCard())
    assert (cost.dbu_usd, cost.disk_usd) == (0.0, 0.0)
    assert [why.split(":")[0] for why in cost.missing] == ["DBUs of big", "attached disks"]


def test_nothing_is_missing_where_all_is_known():
    assert cost_of(an_interval(disk_gib=1.0), an_interval(is_spot=True)).missing == ()


@pytest.mark.parametrize(
    ("spec", "node_types", "rates"),
    [
        (LARGE, LOCAL_NODE_TYPES, RateCard()),
        (ClusterSpec("big", 7), NODE_TYPES, CARD),
    ],
)
def test_rate_and_bill_agree(spec, node_types, rates):
    bill_usd = list_cost(timeline(spec, 90), node_types, rates).total_usd
    assert usd_per_s(spec, node_types, rates) * 90 == pytest.approx(bill_usd)


def test_cluster_whose_dbus_have_no_price_has_no_rate():
    with pytest.raises(InvalidInput, match="DBUs of big: the rate card has no USD per DBU"):
        usd_per_s(ClusterSpec("big", 1), NODE_TYPES)


def test_rate_of_a_cluster_with_driver_spot_and_disks_agrees_with_its_bill():
    spec = ClusterSpec("big", 3)
    rate = usd_per_s(spec, NODE_TYPES, CARD, driver=LESS, is_spot=True, disk_gib=50.0)
    workers = [an_interval(60, is_spot=True, disk_gib=50.0)] * 3
    bill = cost_of(*workers, an_interval(60, LESS, is_driver=True, disk_gib=50.0))
    assert rate * 60 == pytest.approx(bill.total_usd)


def test_unknown_spot_rate_does_not_keep_a_cluster_from_being_priced():
    rates = replace(CARD, spot_fraction=None)
    on_demand = usd_per_s(ClusterSpec("less", 2), NODE_TYPES, rates)
    assert usd_per_s(ClusterSpec("less", 2), NODE_TYPES, rates, is_spot=True) == on_demand


def test_cluster_whose_disks_have_no_price_has_no_rate():
    with pytest.raises(InvalidInput, match="attached disks: the rate card has no rate"):
        usd_per_s(SMALL, LOCAL_NODE_TYPES, disk_gib=10.0)


def test_node_without_a_rate_is_an_error():
    with pytest.raises(InvalidInput, match=r"m5\.large"):
        list_cost(timeline(ClusterSpec("m5.large", 1), 10), LOCAL_NODE_TYPES)


def test_an_empty_timeline_costs_nothing():
    assert cost_of().total_usd == 0.0


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(1, 50))
def test_more_node_hours_never_cost_less(a, b, workers):
    spec = ClusterSpec("local-2c-1g", workers)
    short, long = sorted((a, b))
    cheap = list_cost(timeline(spec, short), LOCAL_NODE_TYPES).total_usd
    assert cheap <= list_cost(timeline(spec, long), LOCAL_NODE_TYPES).total_usd


@given(st.lists(intervals, max_size=8), intervals)
def test_one_node_more_never_costs_less_in_any_part(stays, another):
    before, after = cost_of(*stays), cost_of(*stays, another)
    assert before.total_usd <= after.total_usd
    for part, usd in before.parts_usd.items():
        assert after.parts_usd[part] >= usd - 1e-9


@given(st.lists(intervals, max_size=8))
def test_the_sum_of_the_parts_is_the_total(stays):
    cost = cost_of(*stays)
    assert sum(cost.parts_usd.values()) == pytest.approx(cost.total_usd, rel=1e-9, abs=1e-12)


@given(intervals, st.floats(0, 1))
def test_splitting_an_interval_changes_no_part(stay, at):
    cut = stay.started_at + (stay.ended_at - stay.started_at) * at
    split = cost_of(replace(stay, ended_at=cut), replace(stay, started_at=cut))
    assert split.parts_usd == pytest.approx(cost_of(stay).parts_usd, rel=1e-9, abs=1e-9)


@given(st.lists(intervals, max_size=8))
def test_the_order_of_nodes_changes_nothing(stays):
    assert cost_of(*stays).parts_usd == cost_of(*reversed(stays)).parts_usd
