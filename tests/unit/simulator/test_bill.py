"""The bill: every node from boot to release, spot, Photon and disks."""

from dataclasses import replace

import pytest

from isocost.simulator.bill import BillingRates, bill_of
from isocost.simulator.cluster import Availability
from tests.unit.simulator.builders import M5, STEADY, a_cluster, a_run, a_shuffle

RATES = BillingRates(usd_per_dbu=0.15, spot_fraction=0.4, photon_dbu_factor=2.0)
DBU_M5 = replace(M5, dbu_per_hour=1.5)


def test_all_nodes_are_billed_from_boot_to_release():
    run = a_run(cluster=a_cluster(3))
    hours = sum((node.ended_s - node.started_s) / 3600 for node in run.nodes)
    bill = bill_of(run, RATES)
    assert len(bill.lines) == 4
    assert bill.vm_usd == pytest.approx(hours * M5.usd_per_hour)
    assert bill.disk_usd == pytest.approx(hours * 100 / 730 * 0.08)


def test_spot_workers_are_cheaper_and_the_driver_is_not():
    cluster = a_cluster(availability=Availability.SPOT, first_on_demand_count=1)
    driver, *workers = bill_of(a_run(cluster=cluster), RATES).lines
    assert driver.vm_usd / driver.hours == pytest.approx(M5.usd_per_hour)
    assert all(w.vm_usd / w.hours == pytest.approx(0.4 * M5.usd_per_hour) for w in workers)


def test_photon_is_charged_by_its_factor():
    kinds = {"worker_type": DBU_M5, "driver_type": DBU_M5}
    plain, photon = (
        bill_of(a_run(a_shuffle(), a_cluster(is_photon=is_on, **kinds)), RATES)
        for is_on in (False, True)
    )
    # Nothing of this workload runs in Photon, so it takes as long.
    assert photon.dbu_usd == pytest.approx(2 * plain.dbu_usd)
    assert photon.total_usd > plain.total_usd


def test_a_run_without_machines_costs_nothing():
    run = a_run(conditions=replace(STEADY, is_capacity_missing=True))
    assert bill_of(run, RATES).total_usd == 0.0
