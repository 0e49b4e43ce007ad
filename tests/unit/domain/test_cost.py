"""Costs and rates refuse what makes no sense, and old records of costs can still be read."""

import msgspec
import pytest

from isocost.domain.cost import CostBreakdown, RateCard
from isocost.errors import InvalidInput


@pytest.mark.parametrize(
    "make",
    [
        lambda: CostBreakdown(vm_usd=-1.0),
        lambda: CostBreakdown(vm_usd=1.0, disk_usd=float("nan")),
        lambda: CostBreakdown(vm_usd=1.0, driver_usd=0.6, spot_usd=0.6),
        lambda: RateCard(usd_per_dbu=-0.1),
        lambda: RateCard(dbu_multiplier=0.0),
        lambda: RateCard(spot_fraction=float("inf")),
        lambda: RateCard(disk_usd_per_gib_month=-1.0),
    ],
)
def test_impossible_value_is_refused(make):
    with pytest.raises(InvalidInput):
        make()


def test_workers_are_what_driver_and_spot_leave():
    cost = CostBreakdown(vm_usd=1.0, dbu_usd=2.0, disk_usd=0.5, driver_usd=0.25, spot_usd=0.5)
    assert cost.parts_usd == {
        "driver": 0.25,
        "workers": 0.25,
        "spot": 0.5,
        "disks": 0.5,
        "dbu": 2.0,
    }
    assert cost.total_usd == 3.5


def test_a_cost_stored_before_it_had_parts_is_still_read():
    cost = msgspec.json.decode(b'{"vm_usd":0.5,"dbu_usd":0.25}', type=CostBreakdown)
    assert (cost.worker_usd, cost.total_usd) == (0.5, 0.75)


def test_a_cost_survives_storage_whole():
    cost = CostBreakdown(1.0, 2.0, 0.5, 0.25, 0.5, missing=("attached disks: unknown",))
    assert msgspec.json.decode(msgspec.json.encode(cost), type=CostBreakdown) == cost
